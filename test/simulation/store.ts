import type {
  Pause,
  RecordsListener,
  SharedAccount,
  SharedRecord,
  SharedRecords,
  Snapshot,
  Taken,
} from '../../src/keeper/shared-records.ts';
import type { Away } from '../../src/keeper/turns.ts';
import type { Chance } from './chance.ts';
import { EPOCH_UNIX_MS, type Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Schedule } from './schedule.ts';

export const STORE = 'store';

/** A command that takes longer than this, and the store counts as away; see `RedisLink`. */
const ANSWER_MS_MAX = 1_000;
const PING_MS = 500;
const DAY_MS = 86_400_000;
/** As in `RedisRecords`. */
const DOUBT_MS = 30_000;

interface Place {
  readonly record: SharedRecord | undefined;
  readonly turn: { readonly owner: string; readonly untilMs: number } | undefined;
  readonly forced: readonly number[];
  readonly doubted: { readonly fingerprint: string; readonly untilMs: number } | undefined;
}

const EMPTY: Place = { record: undefined, turn: undefined, forced: [], doubted: undefined };

/** What the scripts do in Redis (see `redis-scripts.ts`), and what becomes of a Redis. */
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
    const place = this.#places.get(keyOf(account)) ?? EMPTY;
    const isOver = place.turn !== undefined && place.turn.untilMs <= this.nowUnixMs;
    return isOver ? { ...place, turn: undefined } : place;
  }

  put(account: SharedAccount, change: Partial<Place>): void {
    const place = { ...this.at(account), ...change };
    this.#places = new Map(this.#places).set(keyOf(account), place);
    const { nowMs } = this.#schedule;
    this.#past.push({ atMs: nowMs, places: this.#places });
    if (this.#past.length > 2_000) this.#past.splice(0, 1_000);
  }

  tell(account: SharedAccount): void {
    for (const link of this.links) link.deliver(account);
  }

  #begin(): void {
    this.life += 1;
    this.isHung = false;
    this.#waiting.length = 0;
    this.#past = [{ atMs: this.#schedule.nowMs, places: this.#places }];
    for (const link of this.links) link.connectionLost();
  }
}

const AWAY: Away = { kind: 'away' };

/** One hub's connection to the store: commands with a time limit, and messages that may get lost. */
export class StoreLink implements SharedRecords {
  /** For the judge: whether the hub can use the store at this moment. */
  isThere = false;
  awaySinceMs: number;
  readonly #store: Store;
  readonly #machine: Machine;
  readonly #network: Network;
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  #listener: RecordsListener | undefined;
  #life = 0;
  #closed = false;
  #attempts = 0;
  readonly #tried: (() => void)[] = [];
  #wasTried = false;

  constructor(store: Store, machine: Machine, network: Network, schedule: Schedule, chance: Chance) {
    this.#store = store;
    this.#machine = machine;
    this.#network = network;
    this.#schedule = schedule;
    this.#chance = chance;
    this.awaySinceMs = schedule.nowMs;
    store.links.add(this);
    this.#connect();
  }

  async read(account: SharedAccount): Promise<Snapshot | Away> {
    return (await this.#run(() => this.#snapshot(account))) ?? AWAY;
  }

  async take(account: SharedAccount, owner: string, floor: number, turnMs: number): Promise<Taken | Away> {
    const taken = await this.#run((): Taken => {
      const { turn, record } = this.#store.at(account);
      if (turn !== undefined && turn.owner !== owner) return this.#snapshot(account, owner);
      const { nowUnixMs } = this.#store;
      this.#store.put(account, { turn: { owner, untilMs: nowUnixMs + turnMs } });
      const generation = Math.max(nowUnixMs, (record?.generation ?? 0) + 1, floor + 1);
      return { ...this.#snapshot(account, owner), generation };
    });
    return taken ?? AWAY;
  }

  async keep(account: SharedAccount, owner: string, turnMs: number): Promise<'ours' | 'lost' | 'away'> {
    const kept = await this.#run((): 'ours' | 'lost' => {
      const { turn } = this.#store.at(account);
      if (turn !== undefined && turn.owner !== owner) return 'lost';
      this.#store.put(account, { turn: { owner, untilMs: this.#store.nowUnixMs + turnMs } });
      return 'ours';
    });
    return kept ?? 'away';
  }

  async release(account: SharedAccount, owner: string): Promise<void> {
    await this.#run(() => {
      if (this.#store.at(account).turn?.owner === owner) this.#store.put(account, { turn: undefined });
      return true;
    });
  }

  async publish(
    account: SharedAccount,
    record: SharedRecord,
    pause?: Pause,
  ): Promise<'stored' | 'older' | 'away'> {
    const published = await this.#run((): 'stored' | 'older' => {
      const place = this.#store.at(account);
      if (record.generation <= (place.record?.generation ?? 0)) return 'older';
      const isPaused = pause !== undefined && (place.turn === undefined || place.turn.owner === pause.owner);
      const turn = isPaused
        ? { owner: 'nobody/0', untilMs: this.#store.nowUnixMs + pause.forMs }
        : place.turn;
      this.#store.put(account, { record, turn });
      this.#store.onPublished(record);
      this.#store.tell(account);
      return 'stored';
    });
    return published ?? 'away';
  }

  async doubt(account: SharedAccount, fingerprint: string): Promise<void> {
    await this.#run(() => {
      const untilMs = this.#store.nowUnixMs + DOUBT_MS;
      this.#store.put(account, { doubted: { fingerprint, untilMs } });
      this.#store.tell(account);
      return true;
    });
  }

  async charge(account: SharedAccount, atUnixMs: readonly number[]): Promise<boolean> {
    const isCertain = await this.#run(() => {
      const sinceMs = this.#store.nowUnixMs - DAY_MS;
      const all = [...new Set([...this.#store.at(account).forced, ...atUnixMs])].toSorted((a, b) => a - b);
      this.#store.put(account, { forced: all.filter((atMs) => atMs > sinceMs) });
      return true;
    });
    return isCertain ?? false;
  }

  listen(listener: RecordsListener): void {
    this.#listener = listener;
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
      if (!this.#closed) this.#listener?.changed(account);
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
        if (this.isThere && !this.#closed) this.#listener?.back();
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
    this.#listener?.back();
  }

  #away(): void {
    this.#settleTried();
    if (!this.isThere || this.#closed) return;
    this.isThere = false;
    this.awaySinceMs = this.#schedule.nowMs;
    this.#listener?.away();
  }

  #settleTried(): void {
    this.#wasTried = true;
    for (const resume of this.#tried.splice(0)) resume();
  }

  /** What the command answers, or undefined where it does not in time; it may have been carried out all the same. */
  async #run<Answer>(command: () => Answer): Promise<Answer | undefined> {
    if (!this.#wasTried) await this.#within((done) => this.#tried.push(() => done(true)));
    if (!this.isThere || this.#closed) return undefined;
    const answer = await this.#within<Answer>((done) => this.#send(command, done));
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

  #snapshot(account: SharedAccount, owner?: string): Snapshot {
    const { record, turn, forced, doubted } = this.#store.at(account);
    const { nowUnixMs } = this.#store;
    return {
      kind: 'seen',
      nowUnixMs,
      isSealed: false,
      forcedAtUnixMs: forced.filter((atMs) => atMs >= nowUnixMs - DAY_MS),
      ...(doubted !== undefined && doubted.untilMs > nowUnixMs && { doubted: doubted.fingerprint }),
      ...(record !== undefined && { record, readable: record }),
      ...(turn !== undefined && {
        by: turn.owner.replace(/\/\d+$/, ''),
        turn: { isOurs: turn.owner === owner, leftMs: turn.untilMs - nowUnixMs },
      }),
    };
  }
}

function keyOf({ appid, mode }: SharedAccount): string {
  return `${mode} ${appid}`;
}
