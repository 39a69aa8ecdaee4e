import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { RateLimit } from '../base/rate-limit.ts';
import type { Secret } from '../base/secret.ts';
import type { ErrorStatus } from './errors.ts';
import type { TokenSource } from '../token/source.ts';
import type { Token } from '../token/token.ts';
import type { SignatureAnswer } from '../wechat/page-signature.ts';
import type { Upstream } from '../upstream/exchange.ts';
import type { ReplayBudget } from './body.ts';
import type { Recorder } from './call-record.ts';
import type { GateRules } from './gate.ts';
import type { ProxyMetrics } from './metrics.ts';
import type { RelayCall, RelayOutcome } from '../hub-client/relay.ts';
import type { PassThrough } from './pass-through.ts';
import type { PlanRules } from './plan.ts';
import type { Reports } from './reports.ts';
import type { Tickets } from '../token/ticket.ts';

/** The accounts that can be called: kept in this process, or in a hub. */
export interface Accounts extends TokenSource, Tickets {
  /** The account's current token, without waiting. */
  peek(appid: string): Token | undefined;
  knows(appid: string): boolean | Promise<boolean>;
  /** Whether the account is only used for login, and has no token. */
  isLoginOnly(appid: string): boolean;
  /** Signs a page. Its URL has been parsed and has no fragment. */
  signPage(appid: string, url: string): Promise<SignatureAnswer>;
  /** Who holds the AppSecret; `undefined` for an unknown account. */
  secretOf(appid: string): SecretHolder | undefined;
}

/** A call that carries the AppSecret is made by the process that holds it. */
export type SecretHolder =
  | { readonly kind: 'here'; readonly secret: Secret }
  | { readonly kind: 'hub'; readonly relay: (call: RelayCall) => Promise<RelayOutcome> };

/** The rules that may change at runtime. */
export interface ProxyRules extends PlanRules {
  readonly gate: GateRules;
  readonly errorStatus: ErrorStatus;
  readonly replayBodyBytesMax: number;
  readonly inFlightMax: number;
  /** Records calls for the access log and for tracing. */
  readonly recorder?: Recorder | undefined;
  /** The only hosts whose pages are signed; undefined means all. */
  readonly signedUrlHosts?: ReadonlySet<string> | undefined;
}

/** The dependencies for serving a call. */
export interface Sidecar {
  readonly version: string;
  readonly accounts: Accounts;
  readonly upstream: Upstream;
  readonly passThrough: PassThrough;
  readonly budget: ReplayBudget;
  readonly reports: Reports;
  /** Limits page signatures per account. */
  readonly signatures: RateLimit;
  readonly metrics: ProxyMetrics;
  readonly clock: Clock;
  readonly log: Log;
  rules(): ProxyRules;
}
