import type { Clock, Timer } from '../base/clock.ts';
import { within } from '../base/wait.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type {
  SharedAccount,
  SharedRecord,
  SharedRecords,
  Snapshot,
  StoreUnavailable,
} from '../store/shared-records.ts';
import type { SharedState } from '../token/state.ts';
import type { Token } from '../token/token.ts';
import { STORE_EVENTS } from './messages.ts';
import { Publisher, REREAD_MS } from './publisher.ts';
import { generationOf, learn, sharedOf, type StoreView, withForced } from './store-view.ts';

/** If loading takes longer than this, we start without it and take in the result when it arrives. */
const LOAD_MS_MAX = 1_200;

export interface StoreWatchParts {
  readonly account: SharedAccount;
  /** Unique for each possible lease owner, also within this process. Starts with the name of the process. */
  readonly owner: string;
  readonly records: SharedRecords;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Receives what other owners publish. */
  onShared(shared: SharedState): void;
}

/** Keeps one account's view of the store up to date, and the store up to date with what we hold. */
export class StoreWatch {
  readonly publisher: Publisher;
  readonly #parts: StoreWatchParts;
  readonly #onSeen: () => void;
  #view: StoreView;
  /** Undefined after close. */
  #reread: Timer | undefined;

  /** Calls `onSeen` for each response of the store. */
  constructor(parts: StoreWatchParts, onSeen: () => void) {
    const { clock } = parts;
    this.#parts = parts;
    this.#onSeen = onSeen;
    this.#view = {
      link: { kind: 'unavailable', wasConnected: false },
      offsetMs: clock.unixMs() - clock.monotonicMs(),
      forcedAtUnixMs: undefined,
      held: undefined,
    };
    this.publisher = new Publisher({
      ...parts,
      view: () => this.#view,
      onStored: (held) => {
        if (this.#view.held === held) this.#view = { ...this.#view, held: { ...held, stored: 'yes' } };
      },
      onRefused: () => void this.reread(),
    });
    this.#armReread();
  }

  get view(): StoreView {
    return this.#view;
  }

  get isClosed(): boolean {
    return this.#reread === undefined;
  }

  get nowUnixMs(): number {
    return Math.round(this.#parts.clock.monotonicMs() + this.#view.offsetMs);
  }

  /** Reads the store and passes on what is new. */
  async reread(): Promise<void> {
    const { account, records, clock } = this.#parts;
    const askedAtMs = clock.monotonicMs();
    const seen = await records.read(account);
    if (this.isClosed) return;
    const news = this.take(seen, askedAtMs);
    if (news === undefined || seen.kind === 'unavailable') return;
    this.#parts.onShared(seen.doubted === undefined ? news : { ...news, doubted: seen.doubted });
  }

  /** Loads what is stored; if the store responds too late, the result is passed on like a publication. */
  load(): Promise<SharedState | undefined> {
    const { account, records, clock } = this.#parts;
    const askedAtMs = clock.monotonicMs();
    const read = async (limit: AbortSignal): Promise<SharedState> => {
      const seen = await records.read(account);
      this.take(seen, askedAtMs);
      // All that we know, not only what this response added: the keeper does not have the rest yet.
      const known = sharedOf(this.#view);
      if (limit.aborted) this.#parts.onShared(known);
      return known;
    };
    return within(clock, LOAD_MS_MAX, read, () => undefined);
  }

  /** Takes in a response of the store that was requested at `askedAtMs`; returns what is new to the keeper. */
  take(seen: Snapshot | StoreUnavailable, askedAtMs: number): SharedState | undefined {
    const { account, records, clock, log } = this.#parts;
    const learned = learn(this.#view, { seen, askedAtMs, nowMs: clock.monotonicMs() });
    this.#view = learned.view;
    if (seen.kind === 'seen') this.#onSeen();
    if (learned.unrecorded.length > 0) void records.addForced(account, learned.unrecorded);
    for (const event of learned.events) {
      const level = event === 'forgotten' ? 'warn' : 'error';
      log[level](STORE_EVENTS[event], { app: account.appid, mode: account.mode });
    }
    if (learned.isBehind) this.publisher.republish();
    return learned.news;
  }

  /** Stores a token that was fetched under a lease of this generation, and publishes it. */
  hold(token: Token, generation: number): void {
    const { value, fingerprint, issuedAtMs } = token;
    if (fingerprint === this.#view.held?.record.fingerprint) return;
    const { offsetMs } = this.#view;
    const record: SharedRecord = {
      generation,
      value,
      fingerprint,
      issuedAtUnixMs: Math.round(issuedAtMs + offsetMs),
      expiresAtUnixMs: Math.round(token.expiresAtMs + offsetMs),
    };
    this.#view = { ...this.#view, held: { record, issuedAtMs, stored: 'not yet' } };
    this.publisher.publish();
  }

  /** A forced refresh is about to be made, or was. */
  noteForced(): void {
    const forcedAtUnixMs = withForced(this.#view, [this.nowUnixMs], this.#parts.clock.monotonicMs());
    this.#view = { ...this.#view, forcedAtUnixMs };
  }

  /** Records a forced refresh in the store; returns whether the store confirmed it. */
  async recordForced(): Promise<boolean> {
    const atUnixMs = this.nowUnixMs;
    const isCertain = await this.#parts.records.addForced(this.#parts.account, [atUnixMs]);
    if (isCertain) {
      const forcedAtUnixMs = withForced(this.#view, [atUnixMs], this.#parts.clock.monotonicMs());
      this.#view = { ...this.#view, forcedAtUnixMs };
    }
    return isCertain;
  }

  /** Greater than the generation of our token, and than `floor`. */
  nextGeneration(floor: number = this.nowUnixMs): number {
    return Math.max(floor, generationOf(this.#view) + 1);
  }

  close(): void {
    this.#reread?.cancel();
    this.#reread = undefined;
  }

  #armReread(): void {
    const { clock, random } = this.#parts;
    this.#reread = clock.after(REREAD_MS * (0.75 + random() / 2), () => {
      void this.reread();
      this.#armReread();
    });
  }
}
