import { TRANSPORT_REASONS } from '../upstream/transport-words.ts';
import type Koa from 'koa';
import { isOutOfDescriptors } from '../base/descriptors.ts';
import { redactedBytes, redactedText } from '../base/redaction.ts';
import type { Secret } from '../base/secret.ts';
import { CollectingSink, type Collected } from '../upstream/collect.ts';
import { exchange } from '../upstream/exchange.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import type { Exchange, UpstreamRequest } from '../upstream/request.ts';
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

function send(ctx: Koa.Context, { upstream, clock }: Hub, outgoing: UpstreamRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let call: Exchange | undefined;
    const fail = (problem: Problem): void => {
      timer.cancel();
      call?.abort();
      reject(problem);
    };
    const timer = clock.after(ANSWER_MS_MAX, () =>
      fail(
        new Problem(
          'upstream_timeout',
          'The platform did not respond in time; the call may have been executed.',
        ),
      ),
    );
    ctx.res.once('close', () => {
      if (!ctx.res.writableFinished) fail(new Problem('bad_request', 'The caller closed the connection.'));
    });
    const sink = new CollectingSink(BODY_LIMITS.relayAnswerBytesMax, (collected) => {
      const answer = answerOf(collected);
      if (answer instanceof Problem) {
        fail(answer);
        return;
      }
      timer.cancel();
      resolve(answer);
    });
    call = exchange(upstream, outgoing, sink);
  });
}

function answerOf(collected: Collected): Answer | Problem {
  switch (collected.kind) {
    case 'response': {
      const { status, headers, body } = collected.response;
      return { status, contentType: headerValues(headers, 'content-type')[0] ?? 'application/json', body };
    }
    case 'too_large':
      return new Problem('upstream_broken', "The platform's response is too large.");
    case 'failed': {
      const { kind, host, reason } = collected.failure;
      return new Problem(
        isOutOfDescriptors(reason) ? 'overloaded' : TRANSPORT_REASONS[kind],
        `${host}: ${reason}`,
      );
    }
  }
}
