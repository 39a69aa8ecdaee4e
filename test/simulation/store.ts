import type { SharedAccount, SharedRecord } from '../../src/store/shared-records.ts';
import { asOf, type Command, EMPTY, keyOf, ModelRecords, type Place } from '../support/store-model.ts';
import type { Chance } from './chance.ts';
import { EPOCH_UNIX_MS, type Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Schedule } from './schedule.ts';

export const STORE = 'store';

/** A command that takes longer than this, and the store counts as away; see `RedisLink`. */
const ANSWER_MS_MAX = 1_000;
const PING_MS = 500;

/** A Redis and what becomes of it; what its scripts do is in `store-model.ts`. */
export class Store {
  /** Its clock, which is ahead of true time by this. */
  offsetMs = 0;
  /** It answers nobody. */
  isHung = false;
  /** Connections are refused. */
  isDown = false;
  /** Grows with each life of the process, and each failover. */
  life = 1;
  /** When it last forgot something that it had said was stored. */
  lastLossMs = -Infinity;
  /** What share of messages gets lost; they promise nothing. */
  messageLoss = 0;
  onPublished: (record: SharedRecord) => void = () => {};
  readonly #schedule: Schedule;
  readonly links = new Set<StoreLink>();
  #places = new Map<string, Place>();
  /** What the replica will have, and when. */
  #past: { readonly atMs: number; readonly places: Map<string, Place> }[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  get nowUnixMs(): number {
    return Math.floor(EPOCH_UNIX_MS + this.#schedule.nowMs + this.offsetMs);
  }

  /** Runs a command when the store gets to it. */
  execute(command: () => void): void {
    if (this.isHung) this.#waiting.push(command);
    else command();
  }

  hang(): void {
    this.isHung = true;
  }

  resume(): void {
    this.isHung = false;
    for (const command of this.#waiting.splice(0)) command();
  }

  /** The replica takes over, without what was written in the last moments, and with a clock of its own. */
  failOver(loseMs: number, clockShiftMs: number): void {
    const untilMs = this.#schedule.nowMs - loseMs;
    const kept = this.#past.filter(({ atMs }) => atMs <= untilMs).at(-1)?.places ?? new Map<string, Place>();
    if (kept !== this.#places) this.lastLossMs = this.#schedule.nowMs;
    this.#places = kept;
    this.offsetMs += clockShiftMs;
    this.#begin();
  }

  /** Comes back with nothing, or with what it had `ageMs` ago. */
  restart(ageMs: number | undefined): void {
    if (ageMs === undefined) {
      if (this.#places.size > 0) this.lastLossMs = this.#schedule.nowMs;
      this.#places = new Map();
      this.#begin();
    } else this.failOver(ageMs, 0);
  }

  at(account: SharedAccount): Place {
    return asOf(this.#places.get(keyOf(account)) ?? EMPTY, this.nowUnixMs);
  }

  /** A command, at the moment in which the store gets to it. */
  carryOut<Answer>(account: SharedAccount, command: Command<Answer>): Answer {
    const before = this.#places.get(keyOf(account)) ?? EMPTY;
    const { place, answer, isTold } = command(before, this.nowUnixMs);
    if (place !== before) this.#put(account, place);
    if (place.record !== undefined && place.record !== before.record) this.onPublished(place.record);
    if (isTold === true) for (const link of this.links) link.deliver(account);
    return answer;
  }

  #put(account: SharedAccount, place: Place): void {
    this.#places = new Map(this.#places).set(keyOf(account), place);
    const { nowMs } = this.#schedule;
    this.#past.push({ atMs: nowMs, places: this.#places });
    if (this.#past.length > 2_000) this.#past.splice(0, 1_000);
  }

  #begin(): void {
    this.life += 1;
    this.isHung = false;
    this.#waiting.length = 0;
    this.#past = [{ atMs: this.#schedule.nowMs, places: this.#places }];
    for (const link of this.links) link.connectionLost();
  }
}

/** One hub's connection to the store: commands with a time limit, and messages that may get lost. */
export class StoreLink extends ModelRecords {
  /** For the judge: whether the hub can use the store at this moment. */
  isThere = false;
  awaySinceMs: number;
  thereSinceMs = Infinity;
  readonly #store: Store;
  readonly #machine: Machine;
  readonly #network: Network;
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  #life = 0;
  #closed = false;
  #attempts = 0;
  readonly #tried: (() => void)[] = [];
  #wasTried = false;

  constructor(store: Store, machine: Machine, network: Network, schedule: Schedule, chance: Chance) {
    super();
    this.#store = store;
    this.#machine = machine;
    this.#network = network;
    this.#schedule = schedule;
    this.#chance = chance;
    this.awaySinceMs = schedule.nowMs;
    store.links.add(this);
    this.#connect();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#store.links.delete(this);
  }

  /** Publication and subscription promise nothing. */
  deliver(account: SharedAccount): void {
    if (!this.#isConnected() || this.#network.fate(STORE, this.#machine.name) !== 'open') return;
    if (this.#chance.happens(this.#store.messageLoss)) return;
    const hear = (): void => {
      if (!this.#closed) this.listener?.changed(account);
    };
    this.#schedule.in(this.#network.delayMs(STORE, this.#machine.name), this.#machine, hear);
  }

  /** The store's end of the connection is gone. */
  connectionLost(): void {
    const noticeMs = this.#network.delayMs(STORE, this.#machine.name);
    this.#schedule.in(noticeMs, this.#machine, () => {
      this.#away();
      this.#reconnect();
    });
  }

  #isConnected(): boolean {
    return this.#life === this.#store.life && !this.#closed && this.#machine.alive;
  }

  #connect(): void {
    const { name } = this.#machine;
    const ms = this.#network.delayMs(name, STORE) + this.#network.delayMs(STORE, name);
    const isOpen = this.#network.fate(name, STORE) === 'open' && this.#network.fate(STORE, name) === 'open';
    const isUp = isOpen && !this.#store.isDown && !this.#store.isHung;
    this.#schedule.in(isUp ? ms : 2 * ANSWER_MS_MAX, this.#machine, () => {
      if (this.#closed) return;
      if (!isUp || this.#store.isDown) {
        this.#settleTried();
        return this.#reconnect();
      }
      this.#life = this.#store.life;
      this.#attempts = 0;
      this.#there();
      // The subscription has a connection of its own.
      this.#schedule.in(ms, this.#machine, () => {
        if (this.isThere && !this.#closed) this.listener?.connected();
      });
    });
  }

  #reconnect(): void {
    if (this.#closed) return;
    this.#attempts += 1;
    const capMs = Math.min(100 * 2 ** Math.min(this.#attempts, 10), 2_000);
    this.#schedule.in(capMs * this.#chance.between(0.5, 1), this.#machine, () => this.#connect());
  }

  #there(): void {
    this.#settleTried();
    if (this.isThere || this.#closed) return;
    this.isThere = true;
    this.thereSinceMs = this.#schedule.nowMs;
    this.listener?.connected();
  }

  #away(): void {
    this.#settleTried();
    if (!this.isThere || this.#closed) return;
    this.isThere = false;
    this.awaySinceMs = this.#schedule.nowMs;
    this.listener?.disconnected();
  }

  #settleTried(): void {
    this.#wasTried = true;
    for (const resume of this.#tried.splice(0)) resume();
  }

  protected async run<Answer>(account: SharedAccount, command: Command<Answer>): Promise<Answer | undefined> {
    if (!this.#wasTried) await this.#within((done) => this.#tried.push(() => done(true)));
    if (!this.isThere || this.#closed) return undefined;
    const answer = await this.#within<Answer>((done) =>
      this.#send(() => this.#store.carryOut(account, command), done),
    );
    if (answer !== undefined) return answer.value;
    this.#away();
    this.#pingLater(1);
    return undefined;
  }

  #send<Answer>(command: () => Answer, done: (answer: Answer) => void): void {
    const { name } = this.#machine;
    const life = this.#life;
    if (this.#network.fate(name, STORE) !== 'open') return;
    this.#schedule.in(this.#network.delayMs(name, STORE), undefined, () => {
      if (this.#store.isDown || this.#store.life !== life) return;
      this.#store.execute(() => {
        if (this.#store.life !== life) return;
        const answer = command();
        if (this.#network.fate(STORE, name) !== 'open') return;
        this.#schedule.in(this.#network.delayMs(STORE, name), this.#machine, () => done(answer));
      });
    });
  }

  #pingLater(attempt: number): void {
    this.#machine.clock.after(PING_MS, () => {
      if (this.#closed || this.isThere || !this.#isConnected()) return;
      void this.#within<true>((done) => this.#send((): true => true, done)).then((pong) => {
        if (this.#closed || this.isThere || !this.#isConnected()) return;
        if (pong !== undefined) this.#there();
        else if (attempt < 10) this.#pingLater(attempt + 1);
        else this.#reconnect();
      });
    });
  }

  #within<Answer>(start: (done: (answer: Answer) => void) => void): Promise<{ value: Answer } | undefined> {
    return new Promise((resolve) => {
      const limit = this.#machine.clock.after(ANSWER_MS_MAX, () => resolve(undefined));
      start((value) => {
        limit.cancel();
        resolve({ value });
      });
    });
  }
}
