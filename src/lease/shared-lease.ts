import type { Timer } from '../base/clock.ts';
import { sleep } from '../base/wait.ts';
import type { Snapshot, StoreUnavailable } from '../store/shared-records.ts';
import type { DenialReason, Lease, LeaseManager, LeaseStatus } from '../token/lease.ts';
import type { SharedState } from '../token/state.ts';
import type { Token } from '../token/token.ts';
import { decide, LEASE_MS, RENEW_MS } from './decide.ts';
import { DENIED } from './messages.ts';
import { generationOf, sharedOf, type StoreView } from './store-view.ts';
import { StoreWatch, type StoreWatchParts } from './store-watch.ts';

/** A lease is not renewed for longer than this, even if its fetch hangs. */
const HOLD_MS_MAX = 60_000;

/** A forced refresh that the store has not recorded this often is not made. */
const UNRECORDED_MAX = 2;

export interface SharedLeaseParts extends StoreWatchParts {
  /** The name of this process among the owners, for `/status`. */
  readonly holder: string;
}

/** Our lease during a fetch. */
interface OurLease {
  /** See `Publisher`. */
  readonly acquisition: number;
  readonly generation: number;
  /** There is no lease in the store. */
  readonly isAlone: boolean;
  readonly isForced: boolean;
  /** When the store last confirmed it, on our monotonic clock. */
  confirmedMs: number;
}

/** For `/status`: who asks the platform, and the owner's name if it is not us. */
type Activity = Pick<LeaseStatus, 'refreshing' | 'by'>;

/** The lease of one account in a store that several processes share. */
export class SharedLease implements LeaseManager {
  readonly #parts: SharedLeaseParts;
  readonly #store: StoreWatch;
  #lease: OurLease | undefined;
  #activity: Activity = { refreshing: 'none' };
  #wakeUp: () => void = () => {};

  constructor(parts: SharedLeaseParts) {
    this.#parts = parts;
    this.#store = new StoreWatch(parts, () => {
      if (this.#activity.refreshing === 'withheld') this.#activity = { refreshing: 'none' };
    });
  }

  async acquire(force: boolean): Promise<Lease> {
    const { account, owner, records, clock } = this.#parts;
    const known = this.#store.view.held?.record;
    const beganAtMs = clock.monotonicMs();
    let unrecorded = 0;
    for (;;) {
      const askedAtMs = clock.monotonicMs();
      const acquisition = this.#store.publisher.acquiring();
      const seen = await records.acquire(account, owner, generationOf(this.#store.view), LEASE_MS);
      const generation = seen.kind === 'seen' ? seen.generation : undefined;
      const taken = generation === undefined ? undefined : acquisition;
      if (this.#store.isClosed) return this.#leave(taken, { kind: 'superseded', shared: { forcedAtMs: [] } });
      this.#store.take(seen, askedAtMs);
      const { link, forcedAtUnixMs } = this.#store.view;
      const nowMs = clock.monotonicMs();
      const decision = decide({
        mode: account.mode,
        force,
        known,
        store: seen,
        ageMs: nowMs - askedAtMs,
        waitedMs: nowMs - beganAtMs,
        steadyMs: link.kind === 'connected' ? nowMs - link.sinceMs : 0,
        forcedAtUnixMs,
      });
      switch (decision.kind) {
        case 'superseded':
          return this.#leave(taken, { kind: 'superseded', shared: sharedOf(this.#store.view) });
        case 'deny':
          return this.#deny(taken, decision.why);
        case 'fetchAlone': {
          if (force) this.#store.noteForced();
          const floor = seen.kind === 'seen' && seen.lease !== undefined ? 0 : undefined;
          return this.#begin({
            acquisition,
            generation: this.#store.nextGeneration(floor),
            isAlone: true,
            isForced: force,
            confirmedMs: nowMs,
          });
        }
        case 'fetch': {
          const isRecorded = !force || (await this.#store.recordForced());
          if (!isRecorded) unrecorded += 1;
          // The store may have gone, which the next turn finds out; but one that refuses this alone would be asked for ever.
          if (unrecorded >= UNRECORDED_MAX) return this.#deny(taken, 'forced_unrecorded');
          if (isRecorded) {
            if (clock.monotonicMs() - askedAtMs <= RENEW_MS && !this.#store.isClosed) {
              const ours = generation ?? this.#store.nextGeneration();
              return this.#begin({
                acquisition,
                generation: ours,
                isAlone: false,
                isForced: force,
                confirmedMs: askedAtMs,
              });
            }
          }
          await this.#pause(generation, 0, seen);
          break;
        }
        case 'wait':
          await this.#pause(generation, decision.forMs, seen);
      }
    }
  }

  reread(): Promise<void> {
    return this.#store.reread();
  }

  doubt(fingerprint: string): void {
    this.#store.publisher.doubt(fingerprint);
  }

  load(): Promise<SharedState | undefined> {
    return this.#store.load();
  }

  /** Stores the token that was fetched under our lease, and publishes it. */
  save(token: Token): void {
    if (this.#lease !== undefined) this.#store.hold(token, this.#lease.generation);
  }

  /** Another owner has published, or the store is connected again. */
  changed(): void {
    if (this.#store.isClosed) return;
    void this.reread();
    this.#wakeUp();
  }

  disconnected(): void {
    this.#store.take({ kind: 'unavailable' }, this.#parts.clock.monotonicMs());
  }

  status(): LeaseStatus {
    const { view } = this.#store;
    return {
      holder: this.#parts.holder,
      store: linkName(view),
      ...this.#activity,
      generation: generationOf(view),
    };
  }

  close(): void {
    this.#store.close();
    this.#wakeUp();
  }

  /** Resolves when our lease is released and all writes are done. */
  async settled(): Promise<void> {
    while (this.#lease !== undefined) {
      await new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
      });
    }
    await this.#store.publisher.idle();
  }

  #begin(lease: OurLease): Lease {
    const before = this.#store.view.held?.record;
    const renewal = lease.isAlone ? undefined : this.#renew(lease);
    this.#lease = lease;
    this.#activity = { refreshing: lease.isAlone ? 'alone' : 'here' };
    return {
      kind: 'acquired',
      overtaken: async (fetched) => {
        // A process that stood still finds its lease expired, and what was published meanwhile unread.
        const isOver = this.#parts.clock.monotonicMs() - lease.confirmedMs > LEASE_MS;
        if (isOver && !lease.isAlone) await this.reread();
        const { view } = this.#store;
        const isLater = generationOf(view) > lease.generation;
        // Another owner has published since, and we are late, or were given what we had at the start.
        const isOld = isOver || fetched?.reveal() === before?.value.reveal();
        const isReplaced = fetched !== undefined && view.held?.record !== before && isOld;
        return isLater || isReplaced ? sharedOf(view) : undefined;
      },
      release: () => {
        if (this.#lease !== lease) return;
        this.#lease = undefined;
        this.#activity = { refreshing: 'none' };
        renewal?.cancel();
        // Recorded again at the end of the call: the platform counts its spacing from when it got the request.
        if (lease.isForced) void this.#store.recordForced();
        if (!lease.isAlone) this.#store.publisher.release(lease.acquisition);
        this.#wakeUp();
      },
    };
  }

  /** Renews the lease while the fetch runs. */
  #renew(lease: OurLease): Timer {
    const { account, owner, records, clock, log } = this.#parts;
    const untilMs = clock.monotonicMs() + HOLD_MS_MAX;
    let timer: Timer | undefined;
    const arm = (): void => {
      timer = clock.after(RENEW_MS, () => {
        if (clock.monotonicMs() >= untilMs) return;
        timer = undefined;
        const askedAtMs = clock.monotonicMs();
        void records.renew(account, owner, LEASE_MS).then((outcome) => {
          if (outcome === 'lost') {
            lease.confirmedMs = -Infinity;
            log.warn('lease was lost while fetching', { app: account.appid });
            return;
          }
          // One that ran out may have been another owner's meanwhile, even if nobody has it now.
          const isWhole = askedAtMs - lease.confirmedMs <= LEASE_MS;
          if (outcome === 'ours' && isWhole) lease.confirmedMs = askedAtMs;
          if (!isOver) arm();
        });
      });
    };
    let isOver = false;
    arm();
    return {
      cancel() {
        isOver = true;
        timer?.cancel();
      },
    };
  }

  async #pause(
    generation: number | undefined,
    forMs: number,
    seen: Snapshot | StoreUnavailable,
  ): Promise<void> {
    const { account, owner, records, clock } = this.#parts;
    if (generation !== undefined) await records.release(account, owner);
    else if (seen.kind === 'seen') {
      this.#activity = { refreshing: 'elsewhere', ...(seen.owner !== undefined && { by: seen.owner }) };
    }
    const woken = new AbortController();
    this.#wakeUp = () => woken.abort();
    await sleep(clock, forMs, woken.signal);
  }

  #deny(taken: number | undefined, reason: DenialReason): Lease {
    return this.#leave(taken, { kind: 'denied', reason, message: DENIED[reason] }, 'withheld');
  }

  #leave(taken: number | undefined, lease: Lease, refreshing: Activity['refreshing'] = 'none'): Lease {
    this.#activity = { refreshing };
    if (taken !== undefined) this.#store.publisher.release(taken);
    return lease;
  }
}

function linkName({ link }: StoreView): LeaseStatus['store'] {
  if (link.kind === 'unavailable') return 'unavailable';
  return link.isDecryptable ? 'connected' : 'undecryptable';
}
