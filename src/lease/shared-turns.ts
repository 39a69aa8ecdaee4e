import type { Timer } from '../base/clock.ts';
import { policyFor } from '../token/policy.ts';
import { settledLedger } from '../token/ration.ts';
import type { Shared } from '../token/state.ts';
import { makeToken, type Token } from '../token/token.ts';
import { type Away, lifeOf, redated, type SharedRecord, type Snapshot } from '../store/shared-records.ts';
import type { Held, OurTurn, SharedTurnsParts } from './parts.ts';
import { STORED_IN_CLEAR, SEALED, WITHHELD } from './shared-words.ts';
import { decide, RENEW_MS, SETTLE_MS, TURN_MS } from './decide.ts';
import type { SharedStatus, Turn, Turns } from '../token/lease.ts';

/** The store is read this often, give or take a quarter, for what publication has missed. */
export const REREAD_MS = 10_000;
/** Less than there is between two of these readings, so that each of them may publish again. */
const REFUSED_MS = REREAD_MS / 2;
/** A holder that hangs in a fetch does not keep its turn for ever. */
const HOLD_MS_MAX = 60_000;
/** A doubt is not told the other holders again within this time. */
const DOUBT_MS = 2_000;
/** A store that takes longer than this to tell what it remembers is heard when it does. */
const LOAD_MS_MAX = 1_200;

/** One account's turns in a shared store, and what we know of the store. */
export class SharedTurns implements Turns {
  readonly #parts: SharedTurnsParts;
  #held: Held | undefined;
  #store: SharedStatus['store'] = 'away';
  /** What the store's clock is ahead of our life scale; by our wall clock until the store has told. */
  #offsetMs: number;
  readonly #toLifeMs = (unixMs: number): number => unixMs - this.#offsetMs;
  #steadySinceMs = -Infinity;
  #doubtedAtMs = -Infinity;
  #wasLost = false;
  #ledgerUnixMs: readonly number[] | undefined;
  #turn: OurTurn | undefined;
  #refreshing: SharedStatus['refreshing'] = 'none';
  #by: string | undefined;
  #renewal: Timer | undefined;
  #reread: Timer | undefined;
  #wakeUp: () => void = () => {};
  #publishing: Promise<void> = Promise.resolve();
  /** When the store last called a record of ours older than what it holds. */
  #refusedAtMs = -Infinity;
  #closed = false;

  constructor(parts: SharedTurnsParts) {
    this.#parts = parts;
    this.#offsetMs = parts.clock.wallMs() - parts.clock.lifeMs();
    this.#armReread();
  }

  async take(force: boolean): Promise<Turn> {
    const { account, owner, records, clock } = this.#parts;
    const known = this.#held?.record;
    const beganAtMs = clock.lifeMs();
    for (;;) {
      const askedAtMs = clock.lifeMs();
      const store = await records.take(account, owner, this.#held?.record.generation ?? 0, TURN_MS);
      const generation = store.kind === 'seen' ? store.generation : undefined;
      if (this.#closed) return this.#leave(generation, { kind: 'needless', shared: { forcedAtMs: [] } });
      this.#learn(store, askedAtMs);
      const decision = decide({
        mode: account.mode,
        force,
        known,
        store,
        ageMs: clock.lifeMs() - askedAtMs,
        waitedMs: clock.lifeMs() - beganAtMs,
        steadyMs: clock.lifeMs() - this.#steadySinceMs,
        ledgerUnixMs: this.#ledgerUnixMs,
      });
      switch (decision.kind) {
        case 'needless':
          return this.#leave(generation, { kind: 'needless', shared: this.#shared() });
        case 'withhold':
          this.#refreshing = 'withheld';
          return this.#leave(generation, { kind: 'withheld', message: WITHHELD[decision.why] }, 'withheld');
        case 'fetchAlone': {
          if (force) this.#ledgerUnixMs = this.#mergedLedger([this.#storeNowMs()]);
          const floorMs = store.kind === 'seen' && store.turn !== undefined ? 0 : undefined;
          return this.#begin({ generation: this.#nextGeneration(floorMs), isAlone: true, isForced: force });
        }
        case 'fetch':
          if (!force || (await this.#charge())) {
            if (clock.lifeMs() - askedAtMs <= RENEW_MS && !this.#closed) {
              const ours = generation ?? this.#nextGeneration();
              return this.#begin({ generation: ours, isAlone: false, isForced: force });
            }
          }
          await this.#pause(generation, 0, store);
          break;
        case 'wait':
          await this.#pause(generation, decision.forMs, store);
      }
    }
  }

  async look(): Promise<void> {
    const { account, records, clock } = this.#parts;
    const askedAtMs = clock.lifeMs();
    const seen = await records.read(account);
    if (!this.#closed) this.#hear(seen, askedAtMs);
  }

  doubt(fingerprint: string): void {
    const { account, records, clock } = this.#parts;
    if (clock.lifeMs() - this.#doubtedAtMs < DOUBT_MS) return;
    this.#doubtedAtMs = clock.lifeMs();
    void records.doubt(account, fingerprint);
  }

  /** What the store remembers; what it tells too late is heard as from another holder. */
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
        this.#learn(seen, askedAtMs);
        // All that we know, and not only what this told: what was heard before is not known to the keeper yet.
        if (isLate) this.#parts.heard(this.#shared());
        else resolve(this.#shared());
      });
    });
  }

  /** Takes over the token that was fetched in our turn, and publishes it. */
  save(token: Token): void {
    if (this.#turn === undefined || token.fingerprint === this.#held?.record.fingerprint) return;
    const { value, fingerprint } = token;
    const record: SharedRecord = {
      generation: this.#turn.generation,
      value,
      fingerprint,
      issuedAtUnixMs: Math.round(token.issuedAtMs + this.#offsetMs),
      expiresAtUnixMs: Math.round(token.expiresAtMs + this.#offsetMs),
    };
    this.#held = { record, issuedAtMs: token.issuedAtMs, stored: 'not yet' };
    this.#publish();
  }

  /** Another holder has published, or the store is back. */
  changed(): void {
    if (this.#closed) return;
    void this.look();
    this.#wakeUp();
  }

  lost(): void {
    this.#learn({ kind: 'away' }, this.#parts.clock.lifeMs());
  }

  status(): SharedStatus {
    return {
      holder: this.#parts.holder,
      store: this.#store,
      refreshing: this.#refreshing,
      ...(this.#by !== undefined && { by: this.#by }),
      generation: this.#held?.record.generation ?? 0,
    };
  }

  close(): void {
    this.#closed = true;
    this.#reread?.cancel();
    this.#wakeUp();
  }

  /** Resolves when our turn is over and everything is written. */
  async settled(): Promise<void> {
    while (this.#turn !== undefined) {
      await new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
      });
    }
    await this.#publishing;
  }

  #begin(turn: OurTurn): Turn {
    const { clock } = this.#parts;
    this.#turn = turn;
    this.#refreshing = turn.isAlone ? 'alone' : 'here';
    this.#by = undefined;
    if (!turn.isAlone) this.#keep(clock.lifeMs() + HOLD_MS_MAX);
    return {
      kind: 'ours',
      overtaken: () => {
        const isLater = (this.#held?.record.generation ?? 0) > turn.generation;
        return isLater ? this.#shared() : undefined;
      },
      end: () => {
        if (this.#turn !== turn) return;
        this.#turn = undefined;
        this.#refreshing = 'none';
        this.#renewal?.cancel();
        // Written down once more, as of its end: the platform counts its spacing from when it was asked.
        if (turn.isForced) void this.#charge();
        if (!turn.isAlone) this.#publishing = this.#publishing.then(() => this.#release());
        this.#wakeUp();
      },
    };
  }

  /** Renews the turn while the fetch runs. */
  #keep(untilMs: number): void {
    const { account, owner, records, clock, log } = this.#parts;
    this.#renewal = clock.after(RENEW_MS, () => {
      if (this.#turn === undefined || clock.lifeMs() >= untilMs) return;
      void records.keep(account, owner, TURN_MS).then((outcome) => {
        if (outcome === 'lost') log.warn('turn to fetch was lost while fetching', { app: account.appid });
        else if (this.#turn !== undefined) this.#keep(untilMs);
      });
    });
  }

  async #pause(generation: number | undefined, forMs: number, store: Snapshot | Away): Promise<void> {
    const { clock } = this.#parts;
    if (generation === undefined && store.kind === 'seen') {
      this.#refreshing = 'elsewhere';
      this.#by = store.by;
    }
    if (generation !== undefined) await this.#release();
    await new Promise<void>((resolve) => {
      const timer = clock.after(forMs, resolve);
      this.#wakeUp = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #leave(generation: number | undefined, turn: Turn, refreshing: SharedStatus['refreshing'] = 'none'): Turn {
    this.#refreshing = refreshing;
    this.#by = undefined;
    if (generation !== undefined) void this.#release();
    return turn;
  }

  #release(): Promise<void> {
    return this.#parts.records.release(this.#parts.account, this.#parts.owner);
  }

  async #charge(): Promise<boolean> {
    const atUnixMs = this.#storeNowMs();
    const isCertain = await this.#parts.records.charge(this.#parts.account, [atUnixMs]);
    if (isCertain) this.#ledgerUnixMs = this.#mergedLedger([atUnixMs]);
    return isCertain;
  }

  /** Tells the store of forced refreshes that it has forgotten, or that were made while it was unavailable. */
  async #payOwed(stored: readonly number[]): Promise<void> {
    const { spacingMs } = policyFor('stable').ration;
    const isOwed = (atMs: number): boolean => !stored.some((known) => Math.abs(known - atMs) < spacingMs / 2);
    const owed = (this.#ledgerUnixMs ?? []).filter(isOwed);
    if (owed.length > 0) await this.#parts.records.charge(this.#parts.account, owed);
  }

  #mergedLedger(atUnixMs: readonly number[]): readonly number[] {
    const { ration } = policyFor('stable');
    return settledLedger(this.#ledgerUnixMs ?? [], atUnixMs, ration, this.#storeNowMs());
  }

  #hear(seen: Snapshot | Away, askedAtMs: number): void {
    const shared = this.#learn(seen, askedAtMs);
    if (shared === undefined || seen.kind === 'away') return;
    this.#parts.heard(seen.doubted === undefined ? shared : { ...shared, doubted: seen.doubted });
  }

  /** Takes in what the store has told; answers what is news to the keeper. */
  #learn(seen: Snapshot | Away, askedAtMs: number): Shared | undefined {
    if (seen.kind === 'away') {
      this.#wasLost ||= this.#store !== 'away';
      this.#store = 'away';
      return undefined;
    }
    const { clock } = this.#parts;
    const nowMs = clock.lifeMs();
    this.#offsetMs = seen.nowUnixMs - (askedAtMs + nowMs) / 2;
    if (this.#wasLost) this.#steadySinceMs = nowMs;
    this.#wasLost = false;
    if (this.#refreshing === 'withheld') this.#refreshing = 'none';
    this.#ledgerUnixMs = this.#mergedLedger(seen.forcedAtUnixMs);
    void this.#payOwed(seen.forcedAtUnixMs);
    this.#noteSeal(seen);
    const stored = seen.record?.generation ?? 0;
    const held = this.#held;
    if (seen.readable !== undefined && stored > (held?.record.generation ?? 0)) {
      const issuedAtMs = Math.min(seen.readable.issuedAtUnixMs - this.#offsetMs, nowMs);
      this.#held = { record: seen.readable, issuedAtMs, stored: 'yes' };
      return this.#shared();
    }
    if (held !== undefined && stored < held.record.generation) this.#republish(held, nowMs);
    // Whoever stored it.
    if (held !== undefined && stored === held.record.generation) this.#held = { ...held, stored: 'yes' };
    return { forcedAtMs: (this.#ledgerUnixMs ?? []).map(this.#toLifeMs) };
  }

  /** The store is behind what we know: it came back empty or stale, or never got what we fetched. */
  #republish(held: Held, nowMs: number): void {
    if (held.stored === 'yes') {
      const { log, account } = this.#parts;
      log.warn('token store has forgotten a token; publishing it again', { app: account.appid });
      // And with it, perhaps, somebody's turn.
      this.#steadySinceMs = nowMs;
      this.#held = { ...held, stored: 'forgotten' };
    }
    // A store that refuses a record and shows none that is later holds something that is no record.
    if (nowMs - this.#refusedAtMs < REFUSED_MS) return;
    if (held.issuedAtMs + lifeOf(held.record) > nowMs) this.#publish();
  }

  #noteSeal(seen: Snapshot): void {
    const { log, account } = this.#parts;
    const isSealed = seen.isSealed && (seen.record?.expiresAtUnixMs ?? 0) > seen.nowUnixMs;
    if (isSealed && this.#store !== 'sealed') {
      log.error(seen.isInClear === true ? STORED_IN_CLEAR : SEALED, {
        app: account.appid,
        mode: account.mode,
      });
    }
    this.#store = isSealed ? 'sealed' : 'there';
  }

  /** One at a time, and each time the latest. */
  #publish(): void {
    const { account, owner, records } = this.#parts;
    this.#publishing = this.#publishing.then(async () => {
      const held = this.#held;
      // What others can read and we cannot is not ours to overwrite.
      if (held === undefined || held.stored === 'yes' || this.#store === 'sealed') return;
      // Classic waits for a fetch whose turn was forgotten too; those who remember nothing wait with us.
      const isPaused = held.stored === 'forgotten' && account.mode === 'classic';
      const pause = isPaused ? { owner, forMs: SETTLE_MS } : undefined;
      const record = redated(held.record, Math.round(held.issuedAtMs + this.#offsetMs));
      const outcome = await records.publish(account, record, pause);
      if (outcome === 'stored' && this.#held === held) this.#held = { ...held, stored: 'yes' };
      if (outcome !== 'older') return;
      this.#refusedAtMs = this.#parts.clock.lifeMs();
      void this.look();
    });
  }

  #shared(): Shared {
    const forcedAtMs = (this.#ledgerUnixMs ?? []).map(this.#toLifeMs);
    if (this.#held === undefined) return { forcedAtMs };
    const { record, issuedAtMs } = this.#held;
    return { token: makeToken(record.value.reveal(), issuedAtMs, lifeOf(record)), forcedAtMs };
  }

  #storeNowMs(): number {
    return Math.round(this.#parts.clock.lifeMs() + this.#offsetMs);
  }

  #nextGeneration(floorMs: number = this.#storeNowMs()): number {
    return Math.max(floorMs, (this.#held?.record.generation ?? 0) + 1);
  }

  #armReread(): void {
    const { clock, random } = this.#parts;
    this.#reread = clock.after(REREAD_MS * (0.75 + random() / 2), () => {
      if (this.#closed) return;
      void this.look();
      this.#armReread();
    });
  }
}
