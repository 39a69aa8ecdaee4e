import type { Clock } from '../base/clock.ts';
import { within } from '../base/wait.ts';
import type { Ask, AskOutcome, AskRequest } from '../wechat/ask.ts';
import { ABORTED, collect, type Collected } from './collect.ts';
import { CONNECT_MS_MAX, type Upstream } from './exchange.ts';
import { headerValues } from './raw-headers.ts';
import type { UpstreamRequest } from './request.ts';
import { misconfiguration } from './transport-words.ts';

/** Larger than any response to a call of our own; the rest is cut off. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Our own calls use the same origins, pools and failover as the business calls. */
export function makeAsk(upstream: Upstream, clock: Clock): Ask {
  return async (request) => {
    // Each origin has its own timeout; this one is for a response that trickles in.
    const limitMs = CONNECT_MS_MAX + request.timeoutMs * (upstream.origins.health().length + 1);
    const send = (limit: AbortSignal): Promise<Collected> =>
      collect(upstream, outgoingOf(request), ANSWER_BYTES_MAX, limit);
    return outcomeOf(await within(clock, limitMs, send, () => ABORTED));
  };
}

function outgoingOf({ method, path, body, headers = [], timeoutMs }: AskRequest): UpstreamRequest {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  return {
    method,
    target: path,
    headers: [
      'accept',
      'application/json',
      // Forwarders encode responses anyway, which is why codings are decoded.
      'accept-encoding',
      'identity',
      ...(bytes === undefined ? [] : ['content-type', 'application/json']),
      ...headers,
    ],
    body: bytes === undefined ? undefined : { bytes: bytes.length, open: () => bytes },
    pinned: false,
    repeatAfterMs: timeoutMs,
  };
}

function outcomeOf(collected: Collected): AskOutcome {
  if (collected.kind === 'aborted') return { kind: 'failed', sent: true, reason: 'timeout' };
  if (collected.kind !== 'failed') {
    const { status, headers, body } = collected.response;
    const dateMs = Date.parse(headerValues(headers, 'date')[0] ?? '');
    return { kind: 'answer', status, body, ...(!Number.isNaN(dateMs) && { dateMs }) };
  }
  const { kind, reason } = collected.failure;
  const misconfigured = misconfiguration(reason);
  return {
    kind: 'failed',
    sent: kind !== 'unreachable',
    reason,
    ...(misconfigured !== undefined && { misconfigured }),
  };
}
