import type { Clock } from '../base/clock.ts';
import { redated, type SharedAccount, type SharedRecords } from '../store/shared-records.ts';
import { SETTLE_MS } from './decide.ts';
import type { Held, StoreView } from './store-view.ts';

/** The store is read this often, give or take a quarter, for what publication has missed. */
export const REREAD_MS = 10_000;
/** Less than there is between two of these readings, so that each of them may publish again. */
const REFUSED_MS = REREAD_MS / 2;
/** A doubt is not told the other owners again within this time. */
const DOUBT_MS = 2_000;

export interface PublisherParts {
  readonly account: SharedAccount;
  readonly owner: string;
  readonly records: SharedRecords;
  readonly clock: Clock;
  /** What is known at this moment: each publication is of the latest token. */
  readonly view: () => StoreView;
  readonly onStored: (held: Held) => void;
  /** The store holds a later record than the one that was published. */
  readonly onRefused: () => void;
}

/** Writes to the store what the other owners of an account shall know; one publication at a time. */
export class Publisher {
  readonly #parts: PublisherParts;
  #queue: Promise<void> = Promise.resolve();
  #refusedAtMs = -Infinity;
  #doubtedAtMs = -Infinity;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  publish(): void {
    this.#queue = this.#queue.then(() => this.#publishLatest());
  }

  /**
   * The store is behind what we hold. One that refuses a record and shows none that is later holds something
   * that is no record: then not at once again.
   */
  republish(): void {
    if (this.#parts.clock.lifeMs() - this.#refusedAtMs >= REFUSED_MS) this.publish();
  }

  /** Releases the lease, behind what is still to be published. */
  release(): void {
    const { account, owner, records } = this.#parts;
    this.#queue = this.#queue.then(() => records.release(account, owner));
  }

  doubt(fingerprint: string): void {
    const { account, records, clock } = this.#parts;
    if (clock.lifeMs() - this.#doubtedAtMs < DOUBT_MS) return;
    this.#doubtedAtMs = clock.lifeMs();
    void records.doubt(account, fingerprint);
  }

  /** Resolves when everything is written that was to be written. */
  idle(): Promise<void> {
    return this.#queue;
  }

  async #publishLatest(): Promise<void> {
    const { account, owner, records, clock, view, onStored, onRefused } = this.#parts;
    const { held, link, offsetMs } = view();
    // What others can read and we cannot is not ours to overwrite.
    const isTheirs = link.kind === 'connected' && !link.isDecryptable;
    if (held === undefined || held.stored === 'yes' || isTheirs) return;
    // Classic waits for a fetch whose lease was forgotten too; those who remember nothing wait with us.
    const isPaused = held.stored === 'forgotten' && account.mode === 'classic';
    const pause = isPaused ? { owner, forMs: SETTLE_MS } : undefined;
    const record = redated(held.record, Math.round(held.issuedAtMs + offsetMs));
    const outcome = await records.publish(account, record, pause);
    if (outcome === 'stored') onStored(held);
    if (outcome !== 'older') return;
    this.#refusedAtMs = clock.lifeMs();
    onRefused();
  }
}
