import type { Clock } from '../base/clock.ts';
import { redated, type SharedAccount, type SharedRecords } from '../store/shared-records.ts';
import { SETTLE_MS } from './decide.ts';
import type { Held, StoreView } from './store-view.ts';

/** How often the store is read, plus or minus a quarter, to pick up missed messages. */
export const REREAD_MS = 10_000;
/** Shorter than the interval between two such readings, so that each of them may publish again. */
const REFUSED_MS = REREAD_MS / 2;
/** A doubt is not published again within this time. */
const DOUBT_MS = 2_000;

export interface PublisherParts {
  readonly account: SharedAccount;
  readonly owner: string;
  readonly records: SharedRecords;
  readonly clock: Clock;
  /** The current view: each publication is of the latest token. */
  readonly view: () => StoreView;
  readonly onStored: (held: Held) => void;
  /** The store holds a later record than the one that was published. */
  readonly onRefused: () => void;
}

/** Publishes an account's tokens and doubts to its other owners through the store; one publication at a time. */
export class Publisher {
  readonly #parts: PublisherParts;
  #queue: Promise<void> = Promise.resolve();
  #acquisitions = 0;
  #refusedAtMs = -Infinity;
  #doubtedAtMs = -Infinity;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  publish(): void {
    this.#queue = this.#queue.then(() => this.#publishLatest());
  }

  /**
   * The store is behind what we hold. If it refuses our record but has no later one, what it stores is not a
   * valid record: then we do not retry at once.
   */
  republish(): void {
    if (this.#parts.clock.monotonicMs() - this.#refusedAtMs >= REFUSED_MS) this.publish();
  }

  /** Numbers the requests for the lease: see `release`. */
  acquiring(): number {
    this.#acquisitions += 1;
    return this.#acquisitions;
  }

  /**
   * Releases the lease that was requested under this number, after all pending publications. If it has been requested
   * again since, it is kept: the store knows owners, not requests, so that the release would end the new lease.
   */
  release(acquisition: number): void {
    const { account, owner, records } = this.#parts;
    this.#queue = this.#queue.then(async () => {
      if (acquisition === this.#acquisitions) await records.release(account, owner);
    });
  }

  doubt(fingerprint: string): void {
    const { account, records, clock } = this.#parts;
    if (clock.monotonicMs() - this.#doubtedAtMs < DOUBT_MS) return;
    this.#doubtedAtMs = clock.monotonicMs();
    void records.doubt(account, fingerprint);
  }

  /** Resolves when all pending writes are done. */
  idle(): Promise<void> {
    return this.#queue;
  }

  async #publishLatest(): Promise<void> {
    const { account, owner, records, clock, view, onStored, onRefused } = this.#parts;
    const { held, link, offsetMs } = view();
    // Do not overwrite a record that others can read and we cannot.
    const isTheirs = link.kind === 'connected' && !link.isDecryptable;
    if (held === undefined || held.stored === 'yes' || isTheirs) return;
    // Classic also waits for a fetch whose lease was lost; the pause makes the other owners wait too.
    const isPaused = held.stored === 'forgotten' && account.mode === 'classic';
    const pause = isPaused ? { owner, forMs: SETTLE_MS } : undefined;
    const record = redated(held.record, Math.round(held.issuedAtMs + offsetMs));
    const outcome = await records.publish(account, record, pause);
    if (outcome === 'stored') onStored(held);
    if (outcome !== 'older') return;
    this.#refusedAtMs = clock.monotonicMs();
    onRefused();
  }
}
