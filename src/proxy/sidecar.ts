import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { RateLimit } from '../base/rate-limit.ts';
import type { Secret } from '../base/secret.ts';
import type { ErrorStatus } from './errors.ts';
import type { Metrics } from '../server/metrics.ts';
import type { TokenSource } from '../token/source.ts';
import type { Token } from '../token/token.ts';
import type { SignatureAnswer } from '../wechat/page-signature.ts';
import type { Upstream } from '../upstream/exchange.ts';
import type { ReplayBudget } from './body.ts';
import type { Recorder } from './call-record.ts';
import type { GateRules } from './gate.ts';
import type { RelayCall, RelayOutcome } from '../hub-client/relay.ts';
import type { PassThrough } from './pass-through.ts';
import type { PlanRules } from './plan.ts';
import type { Reports } from './reports.ts';
import type { Tickets } from '../token/ticket.ts';

/** The accounts that calls can be made for: kept in this process, or in a hub. */
export interface Accounts extends TokenSource, Tickets {
  /** The account's live token, without waiting. */
  peek(appid: string): Token | undefined;
  knows(appid: string): boolean | Promise<boolean>;
  /** Whether the account only logs people in, and has no token. */
  isLoginOnly(appid: string): boolean;
  /** Signs a page, whose URL has been read and is without its fragment. */
  signPage(appid: string, url: string): Promise<SignatureAnswer>;
  /** Who holds the AppSecret; `undefined` for an account that is not ours. */
  secretOf(appid: string): SecretHolder | undefined;
}

/** A call that carries the AppSecret is made by whoever holds it. */
export type SecretHolder =
  | { readonly kind: 'here'; readonly secret: Secret }
  | { readonly kind: 'hub'; readonly relay: (call: RelayCall) => Promise<RelayOutcome> };

/** What may change while we run. */
export interface ProxyRules extends PlanRules {
  readonly gate: GateRules;
  readonly errorStatus: ErrorStatus;
  readonly replayBodyBytesMax: number;
  readonly inFlightMax: number;
  /** Takes down what calls do, for the access log and for tracing. */
  readonly recorder?: Recorder | undefined;
  /** The only hosts whose pages are signed; undefined: all. */
  readonly signedUrlHosts?: ReadonlySet<string> | undefined;
}

/** What serving a call takes. */
export interface Sidecar {
  readonly version: string;
  readonly accounts: Accounts;
  readonly upstream: Upstream;
  readonly passThrough: PassThrough;
  readonly budget: ReplayBudget;
  readonly reports: Reports;
  /** Of pages that are signed, for each account. */
  readonly signatures: RateLimit;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  rules(): ProxyRules;
}
