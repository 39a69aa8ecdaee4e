import type { TokenMode } from '../token/token.ts';
import { type Account, type AppCounters, type AppSettings, type NewApp, noCounts } from './accounts.ts';
import type { Arrival, PathCounters } from './arrivals.ts';
import { textAnswer } from './answer.ts';
import type { Knobs } from './knobs.ts';
import type { Custom, Fault, NewRule, RulesInForce } from './rules.ts';
import { type IssuedToken, judge } from './tokens.ts';
import type { World } from './world.ts';

const MODES: readonly TokenMode[] = ['stable', 'classic'];

/** Selects current tokens: of one account or all, of one kind or both. */
export interface Which {
  readonly appid?: string | undefined;
  readonly mode?: TokenMode | undefined;
}

export interface BreakRequest extends NewRule {
  readonly fault: Fault;
}

export interface AnswerRequest extends NewRule {
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Buffer | undefined;
  readonly coding?: Custom['coding'];
  readonly splitAt?: readonly number[] | undefined;
  readonly pauseMs?: number | undefined;
  readonly chunked?: boolean | undefined;
  readonly afterChecks?: boolean | undefined;
}

export interface AppView {
  readonly appid: string;
  readonly settings: Omit<AppSettings, 'appid' | 'secret' | 'payKey'>;
  readonly counters: Readonly<AppCounters>;
  readonly tokens: Readonly<Partial<Record<TokenMode, TokenView>>>;
}

export interface TokenView {
  readonly fingerprint: string;
  readonly state: 'live' | 'overwritten' | 'aged';
  readonly expiresInMs: number;
}

export interface Counters {
  readonly paths: Readonly<Record<string, PathCounters>>;
  readonly apps: Readonly<Record<string, AppCounters>>;
}

/**
 * Everything that a test or developer can do to the platform in this process; `/__sim/` offers the same
 * over HTTP.
 */
export interface SimulatorControl {
  /** Creates an account, or changes the given settings of one. */
  configure(app: NewApp): AppView;
  apps(): readonly AppView[];
  /** Makes current tokens expire (42001), now or in `inMs`. Returns how many. */
  expire(which?: Which & { readonly inMs?: number | undefined }): number;
  /**
   * Simulates that somebody else fetches a token (for `stable`: by force): ours is 40001 after `graceMs`
   * (default 0).
   */
  overwrite(which?: Which & { readonly graceMs?: number | undefined }): number;
  /**
   * The platform withdraws current tokens: they are 40001 at once, and the stable endpoint still returns
   * the dead one.
   */
  revoke(which?: Which): number;
  /** Freezes (40243) or unfreezes AppSecrets. */
  freeze(which?: Pick<Which, 'appid'>): number;
  unfreeze(which?: Pick<Which, 'appid'>): number;
  /** Adds a fixed latency to the responses of a path pattern; 0 removes it. */
  delay(request: { readonly path: string; readonly ms: number }): void;
  /** Makes responses fail. Returns the rule's number, or `undefined` if there are too many rules. */
  break(request: BreakRequest): number | undefined;
  /** Replaces the platform's response with a custom one. */
  answer(request: AnswerRequest): number | undefined;
  /** Adds a path to the platform, which returns this JSON text if token and method are right. */
  endpoint(request: {
    readonly path: string;
    readonly method?: 'GET' | 'POST' | 'ANY' | undefined;
    readonly body?: string | undefined;
  }): void;
  /** Removes faults, delays and custom responses: those set for exactly this path pattern, or all. */
  heal(request?: { readonly path?: string | undefined }): void;
  rules(): RulesInForce;
  /** The latest requests, oldest first; in `path`, `*` matches any characters. */
  arrivals(request?: { readonly path?: string | undefined }): readonly Arrival[];
  /** Resolves when that many listed requests have arrived (at least their headers). */
  arrived(request: {
    readonly path?: string | undefined;
    readonly count?: number | undefined;
  }): Promise<readonly Arrival[]>;
  counters(): Counters;
  /** Forgets arrivals and counters, and nothing else. */
  clear(): void;
  knobs(changes?: Partial<Knobs>): Knobs;
  /** Advances the platform's clock. Returns its time. */
  advance(request: { readonly ms: number }): number;
  nowMs(): number;
  /** Restores the initial state except for the clock; all tokens are gone. */
  reset(): void;
  /** The current token of an account, even if it is dead. */
  token(appid: string, mode?: TokenMode): string | undefined;
}

export function makeControl(world: World): SimulatorControl {
  return {
    configure: (app) => view(world, world.configure(app)),
    apps: () => [...world.accounts.values()].map((account) => view(world, account)),
    ...tokenControl(world),
    ...ruleControl(world),
    arrivals: (request) => world.arrivals.list(request?.path),
    arrived: ({ path, count = 1 }) => world.arrivals.until(count, path),
    counters: () => ({ paths: world.arrivals.paths(), apps: countersByApp(world) }),
    clear() {
      world.arrivals.clear();
      for (const account of world.accounts.values()) Object.assign(account.counters, noCounts());
    },
    knobs(changes = {}) {
      world.knobs = { ...world.knobs, ...changes };
      return world.knobs;
    },
    advance({ ms }) {
      world.advance(ms);
      return world.nowMs();
    },
    nowMs: () => world.nowMs(),
    reset: () => world.reset(),
  };
}

type TokenControl = Pick<
  SimulatorControl,
  'expire' | 'overwrite' | 'revoke' | 'freeze' | 'unfreeze' | 'token'
>;

function tokenControl(world: World): TokenControl {
  const freeze = (appid: string | undefined, frozen: boolean): number => {
    const chosen = accountsOf(world, appid);
    for (const account of chosen) account.settings = { ...account.settings, frozen };
    return chosen.length;
  };
  return {
    expire(which = {}) {
      const tokens = currentTokens(world, which);
      for (const token of tokens) token.expiresAtMs = world.nowMs() + (which.inMs ?? 0);
      return tokens.length;
    },
    overwrite(which = {}) {
      const tokens = currentTokens(world, which);
      for (const { appid, kind } of tokens) {
        const account = world.accounts.get(appid);
        if (account !== undefined && kind !== 'user')
          world.issue(account, kind, world.nowMs(), which.graceMs ?? 0);
      }
      return tokens.length;
    },
    revoke(which = {}) {
      const tokens = currentTokens(world, which);
      for (const token of tokens) token.refusedFromMs = world.nowMs();
      return tokens.length;
    },
    freeze: (which) => freeze(which?.appid, true),
    unfreeze: (which) => freeze(which?.appid, false),
    token: (appid, mode = 'stable') => world.accounts.get(appid)?.families[mode].current?.value,
  };
}

type RuleControl = Pick<SimulatorControl, 'delay' | 'break' | 'answer' | 'endpoint' | 'heal' | 'rules'>;

function ruleControl(world: World): RuleControl {
  return {
    delay: ({ path, ms }) => world.rules.delay(path, ms),
    break: ({ fault, ...rule }) => world.rules.add(rule, fault),
    answer: (request) => world.rules.add(request, customOf(request)),
    endpoint: ({ path, method = 'ANY', body = '{"errcode":0,"errmsg":"ok"}' }) => {
      world.endpoints.set(path, { method, token: 'app', answer: () => textAnswer(body) });
    },
    heal: (request) => world.rules.heal(request?.path),
    rules: () => world.rules.list(),
  };
}

function customOf(request: AnswerRequest): Custom {
  return {
    kind: 'answer',
    status: request.status ?? 200,
    headers: request.headers ?? { 'Content-Type': 'application/json; encoding=utf-8' },
    body: Buffer.from(request.body ?? ''),
    coding: request.coding,
    splitAt: request.splitAt ?? [],
    pauseMs: request.pauseMs ?? 0,
    chunked: request.chunked ?? false,
    afterChecks: request.afterChecks ?? false,
  };
}

function accountsOf(world: World, appid: string | undefined): Account[] {
  return [...world.accounts.values()].filter(
    (account) => appid === undefined || account.settings.appid === appid,
  );
}

function currentTokens(world: World, { appid, mode }: Which): IssuedToken[] {
  const modes = mode === undefined ? MODES : [mode];
  return accountsOf(world, appid)
    .flatMap((account) => modes.map((it) => account.families[it].current))
    .filter((token) => token !== undefined);
}

function countersByApp(world: World): Record<string, AppCounters> {
  return Object.fromEntries([...world.accounts].map(([appid, { counters }]) => [appid, { ...counters }]));
}

function view(world: World, account: Account): AppView {
  const { appid, secret: _secret, payKey: _payKey, ...settings } = account.settings;
  const tokens: Partial<Record<TokenMode, TokenView>> = {};
  for (const mode of MODES) {
    const { current } = account.families[mode];
    if (current === undefined) continue;
    const state = judge(current, world.nowMs());
    tokens[mode] = {
      fingerprint: current.fingerprint,
      state,
      expiresInMs: current.expiresAtMs - world.nowMs(),
    };
  }
  return { appid, settings, counters: { ...account.counters }, tokens };
}
