import { makeKeepers } from '../../src/keeper/keepers.ts';
import type { Keepers } from '../../src/keeper/keepers.ts';
import type {
  Pause,
  RecordsListener,
  SharedAccount,
  SharedRecord,
  SharedRecords,
  Snapshot,
  Taken,
} from '../../src/keeper/shared-records.ts';
import { SharedStore } from '../../src/keeper/shared-store.ts';
import type { Away } from '../../src/keeper/turns.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Log } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Credentials, Issuer } from '../../src/wechat/issuer.ts';
import type { ManualClock } from './manual-clock.ts';

interface Place {
  record: SharedRecord | undefined;
  turn: { owner: string; untilMs: number } | undefined;
  forced: Set<number>;
  doubted?: { fingerprint: string; untilMs: number };
}

const AWAY: Away = { kind: 'away' };

/** What several holders share, in this process: as the scripts do it in Redis, without Redis. */
export class SharedMemory {
  places: Map<string, Place> = new Map();
  /** The highest generation that was ever stored; a token that is stored later exceeds it. */
  readonly published: SharedRecord[] = [];
  readonly #clock: ManualClock;
  readonly #links: Set<Link> = new Set();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** What its clock is ahead of everyone's. */
  aheadMs = 0;

  get nowMs(): number {
    return this.#clock.lifeMs() + this.aheadMs;
  }

  link(): Link {
    const link = new Link(this);
    this.#links.add(link);
    return link;
  }

  at({ appid, mode }: SharedAccount): Place {
    const key = `${mode} ${appid}`;
    const place = this.places.get(key) ?? { record: undefined, turn: undefined, forced: new Set() };
    this.places.set(key, place);
    if (place.turn !== undefined && place.turn.untilMs <= this.nowMs) place.turn = undefined;
    return place;
  }

  /** A copy to come back to, as a backup or a replica that is behind. */
  snapshot(): Map<string, Place> {
    return new Map(
      [...this.places].map(([key, place]) => [key, { ...place, forced: new Set(place.forced) }]),
    );
  }

  tell(account: SharedAccount): void {
    for (const link of this.#links) link.hear(account);
  }
}

/** One holder's way to the shared memory, which can be cut. Publications can be lost. */
export class Link implements SharedRecords {
  isCut = false;
  isDeaf = false;
  readonly #memory: SharedMemory;
  #listener: RecordsListener | undefined;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    this.#listener?.away();
  }

  mend(): void {
    if (!this.isCut) return;
    this.isCut = false;
    this.#listener?.back();
  }

  hear(account: SharedAccount): void {
    if (!this.isCut && !this.isDeaf) this.#listener?.changed(account);
  }

  async read(account: SharedAccount): Promise<Snapshot | Away> {
    return this.isCut ? AWAY : this.#snapshot(account);
  }

  async take(account: SharedAccount, owner: string, floor: number, turnMs: number): Promise<Taken | Away> {
    if (this.isCut) return AWAY;
    const place = this.#memory.at(account);
    if (place.turn !== undefined && place.turn.owner !== owner) return this.#snapshot(account, owner);
    place.turn = { owner, untilMs: this.#memory.nowMs + turnMs };
    const generation = Math.max(this.#memory.nowMs, (place.record?.generation ?? 0) + 1, floor + 1);
    return { ...this.#snapshot(account, owner), generation };
  }

  async keep(account: SharedAccount, owner: string, turnMs: number): Promise<'ours' | 'lost' | 'away'> {
    if (this.isCut) return 'away';
    const place = this.#memory.at(account);
    if (place.turn !== undefined && place.turn.owner !== owner) return 'lost';
    place.turn = { owner, untilMs: this.#memory.nowMs + turnMs };
    return 'ours';
  }

  async release(account: SharedAccount, owner: string): Promise<void> {
    if (this.isCut) return;
    const place = this.#memory.at(account);
    if (place.turn?.owner === owner) place.turn = undefined;
  }

  async publish(
    account: SharedAccount,
    record: SharedRecord,
    pause?: Pause,
  ): Promise<'stored' | 'older' | 'away'> {
    if (this.isCut) return 'away';
    const place = this.#memory.at(account);
    if ((place.record?.generation ?? 0) >= record.generation) return 'older';
    place.record = record;
    if (pause !== undefined && (place.turn === undefined || place.turn.owner === pause.owner)) {
      place.turn = { owner: 'nobody/0', untilMs: this.#memory.nowMs + pause.forMs };
    }
    this.#memory.published.push(record);
    this.#memory.tell(account);
    return 'stored';
  }

  async doubt(account: SharedAccount, fingerprint: string): Promise<void> {
    if (this.isCut) return;
    this.#memory.at(account).doubted = { fingerprint, untilMs: this.#memory.nowMs + 30_000 };
    this.#memory.tell(account);
  }

  async charge(account: SharedAccount, atUnixMs: readonly number[]): Promise<boolean> {
    if (this.isCut) return false;
    for (const atMs of atUnixMs) this.#memory.at(account).forced.add(atMs);
    return true;
  }

  listen(listener: RecordsListener): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    this.isCut = true;
  }

  #snapshot(account: SharedAccount, owner?: string): Snapshot {
    const { record, turn, forced, doubted } = this.#memory.at(account);
    const nowUnixMs = this.#memory.nowMs;
    return {
      kind: 'seen',
      nowUnixMs,
      isSealed: false,
      forcedAtUnixMs: [...forced].toSorted((a, b) => a - b),
      ...(record !== undefined && { record, readable: record }),
      ...(doubted !== undefined && doubted.untilMs > nowUnixMs && { doubted: doubted.fingerprint }),
      ...(turn !== undefined && {
        by: turn.owner,
        turn: { isOurs: turn.owner === owner, leftMs: turn.untilMs - nowUnixMs },
      }),
    };
  }
}

export interface Holder {
  readonly name: string;
  readonly keepers: Keepers;
  readonly link: Link;
}

/** A process that holds the account, with a link of its own to what is shared. */
export function makeHolder(
  name: string,
  memory: SharedMemory,
  parts: { app: Credentials; issuer: Issuer; clock: ManualClock; seed?: number; log?: Log },
): Holder {
  const link = memory.link();
  const { app, issuer, clock, seed = 1, log = silentLog } = parts;
  const random = seededRandom(seed);
  const store = new SharedStore({ records: link, holder: name, clock, random, log });
  return { name, link, keepers: makeKeepers({ apps: [app], issuer, store, clock, random, log }) };
}
