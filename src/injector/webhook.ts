import type { RequestListener } from 'node:http';
import Koa from 'koa';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { BODY_BYTES_MAX, readReview } from './review-body.ts';
import { PARTS_MAX } from './review-scan.ts';
import { MALFORMED, review, type ReviewOutcome } from './review.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';
import { WorkBudget } from './work.ts';

export const INJECT_PATH = '/inject';

export interface WebhookParts {
  /** Can change at runtime. */
  readonly settings: () => InjectionSettings;
  readonly nativeSupported: () => boolean;
  /** `reason` says why a pod was skipped; otherwise it is `none`. */
  readonly onReviewed: (result: ReviewOutcome['result'] | 'failed', reason: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Memory for bodies and responses, all reviews together: enough for two of the largest. */
export const WORK_BYTES_MAX: number = 2 * BODY_BYTES_MAX;

const GIVEN_UP = {
  not_a_review: [400, MALFORMED],
  too_long: [413, `The body exceeds ${BODY_BYTES_MAX} bytes.`],
  too_many_parts: [413, `The body has more than ${PARTS_MAX} fields and items.`],
} as const;

/** Handles POST /inject with an AdmissionReview. */
export function webhookHandler(parts: WebhookParts): RequestListener {
  const app = new Koa();
  const budget = new WorkBudget(WORK_BYTES_MAX);
  app.on('error', (error: Error & { code?: string }) => {
    // The client disconnected; that is not our error.
    if (error.code === 'ECONNRESET') return;
    parts.onReviewed('failed', 'none');
    parts.log.error('pod review failed', { detail: error.message });
  });
  app.use(async (ctx) => {
    if (ctx.path !== INJECT_PATH)
      return refuse(ctx, 404, `Not found: the only route is POST ${INJECT_PATH}.`);
    if (ctx.method !== 'POST') {
      ctx.set('allow', 'POST');
      return refuse(ctx, 405, 'Method not allowed: use POST.');
    }
    const work = budget.begin(() => ctx.req.socket.destroy());
    ctx.res.once('close', () => work.end());
    const body = await readReview(ctx.req, work);
    if (body.kind !== 'json') {
      const [status, message] = GIVEN_UP[body.kind];
      return refuse(ctx, status, message);
    }
    const reviewed = review(body.parsed, parts.settings(), { nativeSupported: parts.nativeSupported() });
    if (reviewed.kind === 'malformed') return refuse(ctx, 400, reviewed.message);
    const answer = Buffer.from(JSON.stringify(reviewed.body));
    work.holds(answer.length);
    ctx.type = 'application/json';
    ctx.body = answer;
    note(parts, reviewed.outcome);
  });
  const handle = app.callback();
  return (request, response) => void handle(request, response);
}

function note(
  { onReviewed, log }: WebhookParts,
  { result, reason, namespace, pod, message }: ReviewOutcome,
): void {
  onReviewed(result, reason);
  if (result === 'injected') log.info('sidecar injected', { namespace, pod });
  else if (result === 'refused') log.warn('pod rejected', { namespace, pod, why: message });
  else log.debug('A pod was left as it is', { namespace, pod, why: reason });
}

/** This is not an API server: the rest of its body is not read, and its connection is closed. */
function refuse(ctx: Koa.Context, status: number, message: string): void {
  ctx.set('connection', 'close');
  ctx.status = status;
  ctx.type = 'text/plain; charset=utf-8';
  ctx.body = `${message}\n`;
}
