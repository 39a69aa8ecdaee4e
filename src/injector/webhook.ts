import type { IncomingMessage, RequestListener } from 'node:http';
import Koa from 'koa';
import type { Clock } from '../base/clock.ts';
import { boundedLog, type Log } from '../base/log.ts';
import { review, type ReviewOutcome } from './review.ts';
import type { InjectionSettings } from './settings.ts';

export const INJECT_PATH = '/inject';

export interface WebhookParts {
  /** May change while we run. */
  readonly settings: () => InjectionSettings;
  readonly nativeSupported: () => boolean;
  /** `reason` says why a pod was skipped, else `none`. */
  readonly onReviewed: (result: ReviewOutcome['result'] | 'failed', reason: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** An API server shows objects of at most 3 MiB to a webhook; the rest of the review is small. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Answers the API server: POST /inject with an AdmissionReview. */
export function webhookHandler(parts: WebhookParts): RequestListener {
  const app = new Koa();
  const logOf = boundedLog(parts.log, parts.clock);
  app.on('error', (error: Error & { code?: string }) => {
    // The caller left in the middle, which is no fault of ours.
    if (error.code === 'ECONNRESET') return;
    parts.onReviewed('failed', 'none');
    logOf('webhook').error('A pod could not be looked at', { detail: error.message });
  });
  app.use(async (ctx) => {
    if (ctx.path !== INJECT_PATH) return refuse(ctx, 404, `There is nothing here but POST ${INJECT_PATH}.`);
    if (ctx.method !== 'POST') {
      ctx.set('allow', 'POST');
      return refuse(ctx, 405, 'Only POST is served here.');
    }
    const body = await readBody(ctx.req);
    if (body === undefined) {
      // The rest of it is not read.
      ctx.set('connection', 'close');
      return refuse(ctx, 413, `The body is over ${BODY_BYTES_MAX} bytes.`);
    }
    const reviewed = review(parsed(body), parts.settings(), { nativeSupported: parts.nativeSupported() });
    if (reviewed.kind === 'malformed') return refuse(ctx, 400, reviewed.message);
    ctx.body = reviewed.body;
    note(parts, logOf, reviewed.outcome);
  });
  const handle = app.callback();
  return (request, response) => void handle(request, response);
}

function note(
  { onReviewed }: WebhookParts,
  logOf: (key: string) => Log,
  { result, reason, namespace, pod, message }: ReviewOutcome,
): void {
  onReviewed(result, reason);
  const log = logOf(namespace);
  if (result === 'injected') log.info('A pod gets a sidecar', { namespace, pod });
  else if (result === 'refused') log.warn('A pod was refused', { namespace, pod, why: message });
  else log.debug('A pod was left as it is', { namespace, pod, why: reason });
}

/** Undefined where it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function refuse(ctx: Koa.Context, status: number, message: string): void {
  ctx.status = status;
  ctx.type = 'text/plain; charset=utf-8';
  ctx.body = `${message}\n`;
}
