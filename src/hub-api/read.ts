import { isObject } from '../base/json.ts';
import { isTokenText } from '../token/answer-fields.ts';
import { HOLD_MS_MAX } from '../token/doubt.ts';
import { REPORT_OUTCOMES, type ReportOutcome } from './report-outcomes.ts';
import { type WireProblem, type WireRefresh, type WireToken } from './wire.ts';
import { makeToken, type Token } from '../token/token.ts';

/** A token as returned by a hub. */
export interface HubToken {
  readonly appid: string;
  readonly token: Token;
}

/** A longer lifetime than this is invalid. */
const LIFE_SECONDS_MAX = 7 * 24 * 3_600;

/**
 * Reads a `WireToken`; returns `undefined` if the value is not one. Its lifetime starts at `sinceMs`, when it
 * was requested, by our own clock, so it does not depend on the hub's clock.
 */
export function readToken(value: unknown, sinceMs: number): HubToken | undefined {
  if (!isObject(value)) return undefined;
  const wire: { [Key in keyof WireToken]?: unknown } = value;
  const { appid, access_token, issued_at, expires_at, expires_in } = wire;
  if (typeof appid !== 'string' || !isTokenText(access_token)) return undefined;
  if (typeof expires_in !== 'number' || !(expires_in >= 0 && expires_in <= LIFE_SECONDS_MAX))
    return undefined;
  const lifeMs = Date.parse(String(expires_at)) - Date.parse(String(issued_at));
  if (Number.isNaN(lifeMs)) return undefined;
  const leftMs = expires_in * 1_000;
  const agedMs = Math.max(0, lifeMs - leftMs);
  return { appid, token: makeToken(access_token, sinceMs - agedMs, agedMs + leftMs) };
}

/** The hub's outcome of a report, without the token. */
export interface ReportResult {
  readonly outcome: ReportOutcome;
  readonly holdMs: number | undefined;
  readonly retryMs: number | undefined;
}

/** Reads that part of a `WireRefresh`; returns `undefined` if it contains no outcome. */
export function readReportResult(value: unknown): ReportResult | undefined {
  if (!isObject(value)) return undefined;
  const wire: { [Key in keyof WireRefresh]?: unknown } = value;
  const outcome = REPORT_OUTCOMES.find((known) => known === wire.outcome);
  if (outcome === undefined) return undefined;
  return { outcome, holdMs: readMs(wire.hold_ms), retryMs: readMs(wire.retry_ms) };
}

function readMs(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? Math.min(value, HOLD_MS_MAX) : undefined;
}

/** An account that the hub allows us to use. */
export interface ListedApp {
  readonly appid: string;
  readonly isLoginOnly: boolean;
}

/** Reads the accounts in the response of GET /v1/apps; returns `undefined` if it is not such a response. */
export function readApps(value: unknown): ListedApp[] | undefined {
  const apps = isObject(value) ? value['apps'] : undefined;
  if (!Array.isArray(apps)) return undefined;
  return apps.flatMap((app: unknown) =>
    isObject(app) && typeof app['appid'] === 'string'
      ? [{ appid: app['appid'], isLoginOnly: app['mode'] === 'login' }]
      : [],
  );
}

export interface HubProblem {
  /** The last part of its type, such as `unknown_app`. */
  readonly reason: string;
  readonly detail: string;
  /** The platform's errcode if that is the cause. */
  readonly errcode: number | undefined;
}

const DETAIL_CHARS_MAX = 500;

/** Reads a `WireProblem`; returns `undefined` if something else responded, such as a gateway in front of the hub. */
export function readProblem(value: unknown): HubProblem | undefined {
  if (!isObject(value)) return undefined;
  const wire: { [Key in keyof WireProblem]?: unknown } = value;
  const { type, detail, errcode } = wire;
  if (typeof type !== 'string' || typeof detail !== 'string') return undefined;
  return {
    reason: type.slice(type.lastIndexOf(':') + 1),
    detail: detail.slice(0, DETAIL_CHARS_MAX),
    errcode: Number.isSafeInteger(errcode) ? (errcode as number) : undefined,
  };
}
