import { TRANSPORT_REASONS } from '../upstream/transport-words.ts';
import type { WireRelay } from '../hub-api/wire.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import type { HubAnswer, HubClient, HubOutcome } from './client.ts';
import { whyNot } from './outcome.ts';

/** A call that carries the AppSecret, without the secret itself. */
export interface RelayCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** The raw query, without appid and secret. */
  readonly query: string;
  readonly contentType: string | undefined;
  readonly body: Buffer;
  /** Aborts when the caller disconnects. */
  readonly signal: AbortSignal;
}

/** Why there is no response of the platform: reasons of the sidecar's own errors. */
export type RelayFailureReason =
  | 'unknown_app'
  | 'bad_request'
  | 'body_too_large'
  | 'overloaded'
  | 'token_unavailable'
  | 'upstream_unreachable'
  | 'upstream_broken'
  | 'upstream_timeout';

export type RelayOutcome =
  /** The platform's own response. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly contentType: string;
      readonly body: Buffer;
    }
  | {
      readonly kind: 'failed';
      readonly reason: RelayFailureReason;
      readonly message: string;
      readonly errcode: number | undefined;
    };

/** Longer than the hub waits for the platform. */
const RELAY_MS_MAX = 70_000;

/** Has the hub make a call with its secret. Never retried after it may have been made: login codes work only once. */
export async function relayByHub(client: HubClient, appid: string, call: RelayCall): Promise<RelayOutcome> {
  const { method, path, query, contentType, body, signal } = call;
  const content: WireRelay = {
    method,
    path,
    query,
    ...(contentType !== undefined && { content_type: contentType }),
    ...(body.length > 0 && { body: body.toString('base64') }),
  };
  const outcome = await client.ask({
    method: 'POST',
    path: `/v1/apps/${encodeURIComponent(appid)}/relay`,
    content,
    timeoutMs: RELAY_MS_MAX,
    repeatable: false,
    wasNotDone,
    signal,
  });
  if (outcome.kind === 'answer' && isOfPlatform(outcome)) {
    const type = headerValues(outcome.headers, 'content-type')[0] ?? 'application/json';
    return { kind: 'answer', status: outcome.status, contentType: type, body: outcome.body };
  }
  const { message, errcode } = whyNot(outcome);
  return {
    kind: 'failed',
    reason: reasonOf(outcome),
    message,
    errcode: errcode === -1 ? undefined : errcode,
  };
}

function isOfPlatform({ headers }: HubAnswer): boolean {
  return headerValues(headers, 'x-wechat-sidecar-relay')[0] === '1';
}

/** Problems of the hub that mean that it rejected the call before doing anything. */
const TURNED_AWAY: ReadonlySet<string> = new Set([
  'unknown_app',
  'not_permitted',
  'too_many_failures',
  'overloaded',
  'review_unavailable',
]);

function wasNotDone(answer: HubAnswer): boolean {
  if (isOfPlatform(answer)) return false;
  return answer.status === 401 || TURNED_AWAY.has(answer.problem?.reason ?? '');
}

/** Problems of the hub that have the same meaning here. */
const REASONS: Readonly<Record<string, RelayFailureReason>> = {
  unknown_app: 'unknown_app',
  bad_request: 'bad_request',
  body_too_large: 'body_too_large',
  too_many_requests: 'overloaded',
  overloaded: 'overloaded',
  upstream_unreachable: 'upstream_unreachable',
  upstream_broken: 'upstream_broken',
  upstream_timeout: 'upstream_timeout',
};

/** After an internal error, or an error of a gateway, it is unknown whether the call was made. */
function reasonOf(outcome: HubOutcome): RelayFailureReason {
  switch (outcome.kind) {
    case 'no_credential':
      return 'token_unavailable';
    case 'too_large':
      return 'upstream_broken';
    case 'failed':
      return TRANSPORT_REASONS[outcome.failure.kind];
    case 'answer':
      if (outcome.problem !== undefined) return REASONS[outcome.problem.reason] ?? 'token_unavailable';
      return outcome.status >= 500 || outcome.status < 400 ? 'upstream_broken' : 'token_unavailable';
  }
}
