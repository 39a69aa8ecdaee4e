import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type {
  SharedAccount,
  SharedRecord,
  SharedRecords,
  Snapshot,
  StoreUnavailable,
} from '../store/shared-records.ts';
import type { Shared } from '../token/state.ts';
import type { Token } from '../token/token.ts';
import { STORE_EVENTS } from './messages.ts';
import { Publisher, REREAD_MS } from './publisher.ts';
import { generationOf, learn, sharedOf, type StoreView, withForced } from './store-view.ts';

/** A store that takes longer than this to answer what it remembers is listened to when it does. */
const LOAD_MS_MAX = 1_200;

export interface StoreWatchParts {
  readonly account: SharedAccount;
  /** Differs for any two that may hold the lease, in this process too. Begins with the name of the process. */
  readonly owner: string;
  readonly records: SharedRecords;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Receives what other owners have published. */
  onShared(shared: Shared): void;
}

/** Keeps one account's view of the store up to date, and the store up to date with what we hold. */
export class StoreWatch {
  readonly publisher: Publisher;
  readonly #parts: StoreWatchParts;
  readonly #onSeen: () => void;
  #view: StoreView;
  /** Absent once closed. */
  #reread: Timer | undefined;

  /** `onSeen` is called whenever the store has answered. */
  constructor(parts: StoreWatchParts, onSeen: () => void) {
    const { clock } = parts;
    this.#parts = parts;
    this.#onSeen = onSeen;
    this.#view = {
      link: { kind: 'unavailable', wasConnected: false },
      offsetMs: clock.wallMs() - clock.lifeMs(),
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
    return Math.round(this.#parts.clock.lifeMs() + this.#view.offsetMs);
  }

  /** Reads the store, and passes on what is new in it. */
  async reread(): Promise<void> {
    const { account, records, clock } = this.#parts;
    const askedAtMs = clock.lifeMs();
    const seen = await records.read(account);
    if (this.isClosed) return;
    const news = this.take(seen, askedAtMs);
    if (news === undefined || seen.kind === 'unavailable') return;
    this.#parts.onShared(seen.doubted === undefined ? news : { ...news, doubted: seen.doubted });
  }

  /** What the store remembers; if it answers too late, that is passed on like another owner's publication. */
  load(): Promise<Shared | undefined> {
    const { account, records, clock } = this.#parts;
    const askedAtMs = clock.lifeMs();
    return new Promise((resolve) => {
      let isLate = false;
      const limit = clock.after(LOAD_MS_MAX, () => {
        isLate = true;
        resolve(undefined);
      });
      void records.read(account).then((seen) => {
        limit.cancel();
        this.take(seen, askedAtMs);
        // All that we know, and not only what this answer added: the keeper has not had the rest yet.
        if (isLate) this.#parts.onShared(sharedOf(this.#view));
        else resolve(sharedOf(this.#view));
      });
    });
  }

  /** Takes in an answer of the store, asked for at `askedAtMs`; returns what is news to the keeper. */
  take(seen: Snapshot | StoreUnavailable, askedAtMs: number): Shared | undefined {
    const { account, records, clock, log } = this.#parts;
    const learned = learn(this.#view, { seen, askedAtMs, nowMs: clock.lifeMs() });
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

  /** Takes over a token that was fetched under a lease of this generation, and publishes it. */
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
    const forcedAtUnixMs = withForced(this.#view, [this.nowUnixMs], this.#parts.clock.lifeMs());
    this.#view = { ...this.#view, forcedAtUnixMs };
  }

  /** Records a forced refresh in the store; returns whether that is certain. */
  async recordForced(): Promise<boolean> {
    const atUnixMs = this.nowUnixMs;
    const isCertain = await this.#parts.records.addForced(this.#parts.account, [atUnixMs]);
    if (isCertain) {
      const forcedAtUnixMs = withForced(this.#view, [atUnixMs], this.#parts.clock.lifeMs());
      this.#view = { ...this.#view, forcedAtUnixMs };
    }
    return isCertain;
  }

  /** Greater than that of the token that we hold, and than `floor`. */
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
