import { TRANSPORT_REASONS } from '../upstream/transport-words.ts';
import type Koa from 'koa';
import { isOutOfDescriptors } from '../base/descriptors.ts';
import { redactedBytes, redactedText } from '../base/redaction.ts';
import type { Secret } from '../base/secret.ts';
import { within } from '../base/wait.ts';
import { collect, type Collected } from '../upstream/collect.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import type { UpstreamRequest } from '../upstream/request.ts';
import { kindOfPath, SECRET_PATHS } from '../wechat/path.ts';
import { withoutParam, withParam } from '../wechat/query.ts';
import type { Caller } from './authenticator.ts';
import type { Hub } from './hub.ts';
import { BODY_LIMITS } from './limits.ts';
import { Problem, unknownApp } from './problem.ts';
import { readJson } from './request.ts';
import { SCHEMAS } from '../hub-api/schemas.ts';

const ANSWER_MS_MAX = 65_000;

/**
 * POST /v1/apps/{appid}/relay: makes one of the secret-bearing calls, and no other, with the secret filled
 * in.
 */
export async function answerRelay(ctx: Koa.Context, hub: Hub, _: Caller, appid: string): Promise<void> {
  const parsed = SCHEMAS.Relay.safeParse(await readJson(ctx.req, BODY_LIMITS.relayBytesMax));
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
    throw new Problem(
      'bad_request',
      `Invalid relay request (${fields || 'the body'}); allowed paths are ${SECRET_PATHS.join(', ')}.`,
    );
  }
  const { data } = parsed;
  const secret = hub.accounts.secretOf(appid);
  const kind = kindOfPath(data.path);
  if (secret === undefined || kind.kind !== 'secret') throw unknownApp();
  const query = withParam(
    withParam(withoutParam(data.query, 'access_token'), 'appid', appid),
    kind.secretParam,
    secret.reveal(),
  );
  const bytes = data.body === undefined ? undefined : Buffer.from(data.body, 'base64');
  const type = data.content_type;
  const answer = await send(ctx, hub, {
    method: data.method,
    target: `${data.path}?${query}`,
    headers: [
      'accept',
      '*/*',
      'accept-encoding',
      'identity',
      ...(type === undefined ? [] : ['content-type', type]),
    ],
    body: bytes === undefined ? undefined : { bytes: bytes.length, open: () => bytes },
    pinned: false,
  });
  if (quotes(answer, secret)) {
    throw new Problem(
      'upstream_broken',
      'The response of the platform or a gateway quotes the AppSecret and is not passed on; the call may have been executed.',
    );
  }
  ctx.status = answer.status;
  ctx.set({ 'x-wechat-sidecar-relay': '1', 'content-type': answer.contentType });
  ctx.body = answer.body;
}

function quotes({ contentType, body }: Answer, secret: Secret): boolean {
  return redactedBytes(body, secret) !== body || redactedText(contentType, secret, () => '') !== contentType;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

async function send(ctx: Koa.Context, { upstream, clock }: Hub, request: UpstreamRequest): Promise<Answer> {
  const left = new AbortController();
  ctx.res.once('close', () => {
    if (!ctx.res.writableFinished) left.abort();
  });
  const call = (limit: AbortSignal): Promise<Collected> => {
    const signal = AbortSignal.any([limit, left.signal]);
    return collect(upstream, request, BODY_LIMITS.relayAnswerBytesMax, signal);
  };
  return answerOf(
    await within(clock, ANSWER_MS_MAX, call, () => {
      throw new Problem(
        'upstream_timeout',
        'The platform did not respond in time; the call may have been executed.',
      );
    }),
  );
}

function answerOf(collected: Collected): Answer {
  switch (collected.kind) {
    case 'response': {
      const { status, headers, body } = collected.response;
      return { status, contentType: headerValues(headers, 'content-type')[0] ?? 'application/json', body };
    }
    case 'too_large':
      throw new Problem('upstream_broken', "The platform's response is too large.");
    case 'aborted':
      throw new Problem('bad_request', 'The caller closed the connection.');
    case 'failed': {
      const { kind, host, reason } = collected.failure;
      throw new Problem(
        isOutOfDescriptors(reason) ? 'overloaded' : TRANSPORT_REASONS[kind],
        `${host}: ${reason}`,
      );
    }
  }
}
