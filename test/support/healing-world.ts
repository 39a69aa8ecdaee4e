import { silentLog } from '../../src/base/log.ts';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { Audit } from '../../src/hub/audit.ts';
import type { Caller } from '../../src/hub/authenticator.ts';
import { Refreshes } from '../../src/hub/refreshes.ts';
import { makeKeepers, type Keepers } from '../../src/keeper/keepers.ts';
import { silentObserver } from '../../src/keeper/observer.ts';
import { memoryStore } from '../../src/store/store.ts';
import { HubAccount } from '../../src/hub-client/account.ts';
import type { TokenOutcome } from '../../src/hub-client/outcome.ts';
import { Reports } from '../../src/proxy/reports.ts';
import type { Refusal } from '../../src/token/source.ts';
import type { Token, TokenMode } from '../../src/token/token.ts';
import { ripple } from './fake-issuer.ts';
import { ManualClock } from './manual-clock.ts';
import { RIGHTS } from '../../src/hub-api/rights.ts';

const APPID = 'wx0123456789abcdef';
const CALLER: Caller = {
  kind: 'client',
  name: 'shop',
  grants: [{ apps: new Set(['*']), may: new Set(RIGHTS) }],
};

/** How long a call of a business program takes, and one of our own to the platform, and one to the hub. */
const CALL_MS = 30;
const PLATFORM_MS = 100;
const HUB_MS = 5;
const TICK_MS = 50;

export interface HealingOptions {
  readonly mode: TokenMode;
  /** Without a hub there is one sidecar, which keeps the account itself. */
  readonly sidecars?: number;
  /** Sidecars of version 0.1 name no path in their reports. */
  readonly namesPaths?: boolean;
  readonly seed?: number;
}

interface Poll {
  readonly sidecar: number;
  readonly path: string;
  readonly everyMs: number;
  nextMs: number;
}

/** What a sidecar needs to serve calls here. */
interface Sidecar {
  readonly reports: Reports;
  peek(): Token | undefined;
}

/**
 * Sidecars (with a hub, or one with its own account) whose calls go to a model of the platform, on a
 * turned clock. Everything between the verdict on an answer and the platform's token endpoint is real.
 */
export class HealingWorld {
  readonly clock = new ManualClock();
  looks = 0;
  /** Refusals that were passed on to the business, and when. */
  readonly failures: { readonly path: string; readonly atMs: number }[] = [];
  refusals = 0;
  /** Whether the platform refuses this call, whatever its token. */
  refuses: (path: string) => boolean = () => false;
  readonly random: Random;
  readonly #keepers: Keepers;
  readonly #sidecars: readonly Sidecar[];
  readonly #polls: Poll[] = [];
  #issued = 0;
  #current = '';
  #isDead = false;

  constructor({ mode, sidecars, namesPaths = true, seed = 1 }: HealingOptions) {
    this.random = seededRandom(seed);
    const copies: HubAccount[] = [];
    let reports: Reports | undefined;
    this.#keepers = makeKeepers({
      apps: [{ appid: APPID, secret: new Secret('s'), mode }],
      issuer: {
        fetch: (_, force) => this.#later(PLATFORM_MS, () => this.#fetch(force || mode === 'classic')),
        probe: (token) =>
          this.#later(PLATFORM_MS, () =>
            this.#accepts(token) ? { kind: 'accepted' } : { kind: 'refused', errcode: 40001 },
          ),
      },
      store: memoryStore,
      clock: this.clock,
      random: this.random,
      log: silentLog,
      observer: {
        ...silentObserver,
        looked: () => void (this.looks += 1),
        tokenChanged: () => {
          reports?.tokenChanged(APPID);
          for (const copy of copies) void this.#later(HUB_MS, () => this.#give(copy));
        },
      },
    });
    if (sidecars === undefined) {
      reports = new Reports({ accounts: this.#keepers, clock: this.clock });
      this.#sidecars = [{ reports, peek: () => this.#keepers.peek(APPID) }];
      return;
    }
    const refreshes = new Refreshes({
      accounts: this.#keepers,
      audit: new Audit(silentLog),
      clock: this.clock,
    });
    this.#sidecars = Array.from({ length: sidecars }, () => this.#sidecar(refreshes, copies, namesPaths));
  }

  /** Until the first token is there. */
  async begin(): Promise<this> {
    this.#keepers.start();
    await this.pass(1_000);
    return this;
  }

  /** From now on the sidecar calls the path this often, beginning at a moment drawn from the first interval. */
  poll(sidecar: number, path: string, everyMs: number): void {
    this.#polls.push({ sidecar, path, everyMs, nextMs: this.clock.monotonicMs() + this.random() * everyMs });
  }

  /** The platform refuses the current token from now on; the normal ask still returns it. */
  kill(): void {
    this.#isDead = true;
  }

  async pass(forMs: number): Promise<void> {
    for (const endMs = this.clock.monotonicMs() + forMs; this.clock.monotonicMs() < endMs;) {
      for (const poll of this.#polls) {
        if (poll.nextMs > this.clock.monotonicMs()) continue;
        poll.nextMs += poll.everyMs;
        void this.#call(poll);
      }
      this.clock.advance(TICK_MS);
      await ripple();
    }
  }

  close(): Promise<void> {
    for (const { reports } of this.#sidecars) reports.close();
    return this.#keepers.close();
  }

  /** As a sidecar serves a call: sent, and if it is refused reported and sent once more. */
  async #call({ sidecar, path }: Poll): Promise<void> {
    const { reports, peek } = this.#sidecars[sidecar] as Sidecar;
    const token = peek();
    if (token === undefined) throw new Error('no live token');
    if (await this.#sent(reports, path, token)) return;
    this.refusals += 1;
    const outcome = await reports.refused(APPID, path, token.fingerprint, 40001);
    if (outcome.kind === 'replay' && (await this.#sent(reports, path, outcome.token))) return;
    if (outcome.kind === 'replay') void reports.refused(APPID, path, outcome.token.fingerprint, 40001);
    this.failures.push({ path, atMs: this.clock.monotonicMs() });
  }

  async #sent(reports: Reports, path: string, token: Token): Promise<boolean> {
    const sentMs = this.clock.monotonicMs();
    const isAccepted = await this.#later(CALL_MS, () => this.#accepts(token) && !this.refuses(path));
    if (isAccepted) reports.succeeded(APPID, path, token.fingerprint, sentMs);
    return isAccepted;
  }

  #sidecar(refreshes: Refreshes, copies: HubAccount[], namesPaths: boolean): Sidecar {
    const account = new HubAccount({
      ask: (refusal) =>
        this.#askHub(
          refreshes,
          namesPaths || refusal === undefined ? refusal : { ...refusal, path: undefined },
        ),
      onToken: () => reports.tokenChanged(APPID),
      onUnknown: () => {},
      clock: this.clock,
      random: this.random,
    });
    copies.push(account);
    const accounts = {
      peek: () => account.peek(),
      report: (_: string, refusal: Refusal) => account.report(refusal),
    };
    const reports = new Reports({ accounts, clock: this.clock });
    return { reports, peek: () => account.peek() };
  }

  async #askHub(refreshes: Refreshes, refusal: Refusal | undefined): Promise<TokenOutcome> {
    await this.#later(HUB_MS, () => {});
    if (refusal === undefined) throw new Error('no sidecar lacks a token here');
    const answer = await refreshes.report(CALLER, APPID, refusal);
    await this.#later(HUB_MS, () => {});
    if (answer.kind === 'limited') throw new Error('a report was limited');
    if (answer.kind === 'unavailable') return { kind: 'none', why: answer, next: 'soon', restMs: 0 };
    const report = {
      outcome: answer.kind,
      holdMs: 'holdMs' in answer ? answer.holdMs : undefined,
      retryMs: 'retryMs' in answer ? answer.retryMs : undefined,
    };
    return { kind: 'token', got: { appid: APPID, token: answer.token }, report };
  }

  #give(copy: HubAccount): void {
    const token = this.#keepers.peek(APPID);
    if (token !== undefined) copy.take({ appid: APPID, token });
  }

  #fetch(isNew: boolean): { kind: 'token'; value: Secret; expiresInMs: number } {
    if (isNew || this.#current === '') {
      this.#current = `a-token-of-the-platform-${(this.#issued += 1)}`;
      this.#isDead = false;
    }
    return { kind: 'token', value: new Secret(this.#current), expiresInMs: 7_200_000 };
  }

  #accepts(token: Token): boolean {
    return !this.#isDead && token.value.reveal() === this.#current;
  }

  #later<Result>(afterMs: number, run: () => Result): Promise<Result> {
    return new Promise((resolve) => void this.clock.after(afterMs, () => resolve(run())));
  }
}
