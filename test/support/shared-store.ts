import { type Keepers, makeKeepers } from '../../src/keeper/keepers.ts';
import type { SharedAccount, SharedRecord } from '../../src/store/shared-records.ts';
import { SharedStore } from '../../src/lease/shared-store.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Credentials, Issuer } from '../../src/wechat/issuer.ts';
import type { ManualClock } from './manual-clock.ts';
import { type Command, EMPTY, keyOf, ModelRecords, type Place } from './store-model.ts';

/** What several holders share, in this process: as the scripts do it in Redis, without Redis. */
export class SharedMemory {
  places: ReadonlyMap<string, Place> = new Map();
  /** All that was ever stored; a token that is stored later has a higher generation. */
  readonly published: SharedRecord[] = [];
  readonly #clock: ManualClock;
  readonly #links: Set<Link> = new Set();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** What its clock is ahead of everyone's. */
  aheadMs = 0;

  get nowMs(): number {
    return this.#clock.monotonicMs() + this.aheadMs;
  }

  link(): Link {
    const link = new Link(this);
    this.#links.add(link);
    return link;
  }

  at(account: SharedAccount): Place {
    return this.places.get(keyOf(account)) ?? EMPTY;
  }

  execute<Answer>(account: SharedAccount, command: Command<Answer>): Answer {
    const before = this.at(account);
    const { place, answer, isTold } = command(before, this.nowMs);
    this.places = new Map(this.places).set(keyOf(account), place);
    if (place.record !== undefined && place.record !== before.record) this.published.push(place.record);
    if (isTold === true) for (const link of this.#links) link.hear(account);
    return answer;
  }
}

/** One holder's way to the shared memory, which can be cut. Publications can be lost. */
export class Link extends ModelRecords {
  isCut = false;
  isDeaf = false;
  readonly #memory: SharedMemory;

  constructor(memory: SharedMemory) {
    super();
    this.#memory = memory;
  }

  cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    this.listener?.disconnected();
  }

  mend(): void {
    if (!this.isCut) return;
    this.isCut = false;
    this.listener?.connected();
  }

  hear(account: SharedAccount): void {
    if (!this.isCut && !this.isDeaf) this.listener?.changed(account);
  }

  async close(): Promise<void> {
    this.isCut = true;
  }

  protected async run<Answer>(account: SharedAccount, command: Command<Answer>): Promise<Answer | undefined> {
    return this.isCut ? undefined : this.#memory.execute(account, command);
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
