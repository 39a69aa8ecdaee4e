import type { Chance } from './chance.ts';
import type { Machine } from './machine.ts';
import type { Planned, Schedule } from './schedule.ts';

/** What happens to packets on a way. `drop`: they vanish. `refuse`: somebody says that nobody is there. */
export type Fate = 'open' | 'drop' | 'refuse';

interface Rule {
  readonly from: string;
  readonly to: string;
  readonly fate: Fate | 'slow';
}

/** A connection that dies without a word is noticed by nobody sooner. */
const CONNECT_MS_MAX = 1_200;
const ANSWER_MS_MAX = 35_000;

/** What is written to a connection that nobody reads from is given up after this. */
const UNREAD_MS_MAX = 60_000;

export interface Server {
  /** The machine that it runs on now. */
  machine(): Machine | undefined;
}

/** What became of a request on the way. */
export type Lost = { readonly kind: 'unreachable' | 'broken' | 'timeout'; readonly reason: string };

interface Exchange {
  readonly client: Machine;
  readonly server: Machine;
  fail(lost: Lost): void;
  abort(): void;
}

/**
 * Ways between hosts: each has a delay that varies, and may be cut in either direction. Connections are
 * TCP's: nothing comes twice or in another order on one of them, but one overtakes another.
 */
export class Network {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #rules = new Set<Rule>();
  readonly #open = new Set<Exchange>();
  /** Per client machine: which servers it has a connection to, and to which of their incarnations. */
  readonly #connections = new WeakMap<Machine, Map<string, Machine>>();
  readonly baseMs: number;
  /** How many packets in a thousand are late by a retransmission or two. */
  lossPerMille: number;

  constructor(schedule: Schedule, chance: Chance) {
    this.#schedule = schedule;
    this.#chance = chance;
    this.baseMs = chance.spread(0.3, 15);
    this.lossPerMille = chance.one([0, 1, 5, 20]);
  }

  /** `*` stands for every host. Gives back what ends it. */
  rule(from: string, to: string, fate: Rule['fate']): () => void {
    const rule = { from, to, fate };
    this.#rules.add(rule);
    return () => void this.#rules.delete(rule);
  }

  fate(from: string, to: string): Fate {
    let fate: Fate = 'open';
    for (const rule of this.#rules) {
      if (rule.fate === 'slow' || !covers(rule, from, to)) continue;
      if (rule.fate === 'drop') return 'drop';
      fate = rule.fate;
    }
    return fate;
  }

  /** How long a packet takes from one host to the other. */
  delayMs(from: string, to: string, baseMs = this.baseMs): number {
    let ms = baseMs * (0.5 + this.#chance.random());
    if (this.lossPerMille > 0 && this.#chance.random() * 1_000 < this.lossPerMille) {
      ms += this.#chance.one([200, 200, 400]);
    }
    for (const rule of this.#rules) {
      if (rule.fate === 'slow' && covers(rule, from, to)) ms += this.#chance.between(300, 3_000);
    }
    return ms;
  }

  /**
   * Brings a request to where it goes: `arrive` runs there, and gets the way back. Exactly one of the
   * way back and `lost` is used, but for a client that has gone.
   */
  request(
    client: Machine,
    to: string,
    server: Server,
    arrive: (back: WayBack, machine: Machine) => void,
    lost: (lost: Lost) => void,
    baseMs?: number,
  ): { abort(): void } {
    const state: RequestState = { over: false, closed: undefined, planned: new Set(), exchange: undefined };
    const end = (): void => {
      state.over = true;
      if (state.exchange !== undefined) this.#open.delete(state.exchange);
      for (const planned of state.planned) planned.cancel();
    };
    const fail = (delayMs: number, what: Lost): void => {
      if (state.over) return;
      state.planned.add(
        this.#schedule.in(delayMs, client, () => {
          if (state.over) return;
          end();
          lost(what);
        }),
      );
    };
    const abort = (): void => {
      if (state.over) return;
      const target = state.exchange?.server;
      end();
      // The server hears of it as soon as it can be heard there.
      if (target === undefined || this.fate(client.name, to) !== 'open') return;
      this.#schedule.in(this.delayMs(client.name, to, baseMs), target, () => state.closed?.());
    };
    this.#send({ client, to, server, arrive, fail, abort, state, end, baseMs });
    return { abort };
  }

  /** Every connection of this machine breaks, as when its process ends. */
  reset(machine: Machine): void {
    for (const exchange of this.#open) {
      if (exchange.server === machine) exchange.fail({ kind: 'broken', reason: 'ECONNRESET' });
      else if (exchange.client === machine) exchange.abort();
    }
  }

  #send({ client, to, server, arrive, fail, abort, state, end, baseMs }: Sending): void {
    const target = server.machine();
    const fate = this.fate(client.name, to);
    const isBackOpen = this.fate(to, client.name) === 'open';
    const connections = this.#connections.get(client) ?? new Map<string, Machine>();
    this.#connections.set(client, connections);
    const isConnected = target !== undefined && connections.get(to) === target;
    const rttMs = this.delayMs(client.name, to, baseMs) + this.delayMs(to, client.name, baseMs);
    if (!isConnected) {
      if (fate === 'drop' || (fate === 'open' && !isBackOpen)) {
        return fail(CONNECT_MS_MAX, { kind: 'unreachable', reason: 'ETIMEDOUT' });
      }
      if (fate === 'refuse' || target === undefined || !target.alive) {
        return fail(rttMs, { kind: 'unreachable', reason: 'ECONNREFUSED' });
      }
      connections.set(to, target);
    }
    const machine = target;
    state.exchange = {
      client,
      server: machine,
      abort,
      fail: (what) => fail(this.delayMs(to, client.name, baseMs), what),
    };
    this.#open.add(state.exchange);
    state.planned.add(
      this.#schedule.in(ANSWER_MS_MAX, client, () => {
        connections.delete(to);
        fail(0, { kind: 'timeout', reason: 'no answer' });
      }),
    );
    if (fate !== 'open') return;
    const travelMs = isConnected ? rttMs / 2 : 1.5 * rttMs;
    this.#schedule.in(travelMs, machine, () => {
      if (state.over) return;
      arrive(new WayBack(this, this.#schedule, { client, to, state, end, baseMs }), machine);
    });
  }
}

interface Sending {
  readonly client: Machine;
  readonly to: string;
  readonly server: Server;
  readonly arrive: (back: WayBack, machine: Machine) => void;
  readonly fail: (delayMs: number, lost: Lost) => void;
  readonly abort: () => void;
  readonly state: RequestState;
  readonly end: () => void;
  readonly baseMs: number | undefined;
}

interface RequestState {
  over: boolean;
  /** To be called at the server when the client has closed the connection. */
  closed: (() => void) | undefined;
  readonly planned: Set<Planned>;
  exchange: Exchange | undefined;
}

/** From the server to the client, in order. */
export class WayBack {
  readonly #network: Network;
  readonly #schedule: Schedule;
  readonly #way: Pick<Sending, 'client' | 'to' | 'state' | 'end' | 'baseMs'>;
  #lastMs = 0;
  #isCut = false;

  constructor(
    network: Network,
    schedule: Schedule,
    way: Pick<Sending, 'client' | 'to' | 'state' | 'end' | 'baseMs'>,
  ) {
    this.#network = network;
    this.#schedule = schedule;
    this.#way = way;
  }

  get isOver(): boolean {
    return this.#way.state.over;
  }

  onClosed(run: () => void): void {
    this.#way.state.closed = run;
  }

  /** Each piece comes after the one before; what is lost once takes all that follows with it. */
  piece(deliver: () => void, { last = false } = {}): void {
    const { client, to, state, end, baseMs } = this.#way;
    if (state.over || this.#isCut) return;
    if (this.#network.fate(to, client.name) !== 'open') {
      this.#isCut = true;
      const server = state.exchange?.server;
      if (server !== undefined) this.#schedule.in(UNREAD_MS_MAX, server, () => state.closed?.());
      return;
    }
    this.#lastMs = Math.max(
      this.#schedule.nowMs + this.#network.delayMs(to, client.name, baseMs),
      this.#lastMs,
    );
    this.#schedule.at(this.#lastMs, client, () => {
      if (state.over) return;
      if (last) end();
      // The limit for an answer's head is met.
      else this.#quiet();
      deliver();
    });
  }

  #quiet(): void {
    const { planned } = this.#way.state;
    for (const each of planned) each.cancel();
    planned.clear();
  }
}

function covers(rule: Rule, from: string, to: string): boolean {
  return (rule.from === '*' || rule.from === from) && (rule.to === '*' || rule.to === to);
}
