import test, { type ExecutionContext } from 'ava';
import type { Fault } from '../../src/simulator/rules.ts';
import type { Reply } from '../support/simulator-client.ts';
import { costOf, INFO, startPair, startSidecar } from '../support/sidecar.ts';
import { startSimulator } from '../support/simulator.ts';

const PATH = '/cgi-bin/user/info';
const POST = { path: '/cgi-bin/message/custom/send', body: { touser: 'oX' } };

/** The table of errors in the documentation. */
const TABLE = {
  token_unavailable: { http: 503, errcode: -1 },
  upstream_unreachable: { http: 502, errcode: -1 },
  upstream_broken: { http: 502, errcode: -2 },
  upstream_timeout: { http: 504, errcode: -2 },
} as const;
type Reason = keyof typeof TABLE;

function isOwnError(t: ExecutionContext, reply: Reply, reason: Reason, as: 'wechat' | 'http'): void {
  const { http, errcode } = TABLE[reason];
  t.is(reply.headers['x-wechat-sidecar-error'], reason);
  t.is(reply.status, as === 'http' ? http : 200);
  t.is(reply.headers['content-type'], 'application/json');
  t.is(reply.json()['errcode'], errcode);
  t.regex(String(reply.json()['errmsg']), /^wechat-sidecar: ./);
  t.is(reply.body.at(-1), '}'.charCodeAt(0), 'no newline at the end');
}

for (const as of ['wechat', 'http'] as const) {
  const env = { WECHAT_SIDECAR_ERROR_STATUS: as, WECHAT_SIDECAR_ANSWER_TIMEOUT: '3s' };

  test.serial(`down at the start, then up (errors as ${as})`, async (t) => {
    const platform = await startSimulator(t);
    const { origin } = platform;
    platform.control.break({ path: '*', fault: { kind: 'reset' } });
    const sidecar = await startSidecar(t, [origin], { env, token: false });
    t.is(await sidecar.health('livez'), 200);
    t.is(await sidecar.health('readyz'), 503, 'not ready before the first token');
    const beganMs = performance.now();
    isOwnError(t, await sidecar.call(INFO), 'token_unavailable', as);
    t.true(performance.now() - beganMs < 6_000, 'SDKs do not wait longer than seconds');

    const failures = 'wechat_sidecar_token_fetch_failures_total';
    t.true((await sidecar.metric(failures, 'errcode="none"')) > 0, 'there is no answer to count');

    platform.control.heal();
    platform.control.break({ path: '*', fault: { kind: 'errcode', errcode: -1 }, times: 1 });
    await sidecar.untilLine('token refreshed');
    t.is(await sidecar.metric(failures, 'errcode="-1"'), 1, 'the platform is busy');
    t.is(await sidecar.health('readyz'), 200);
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  });

  test.serial(`down before a connection is open: nothing was sent (errors as ${as})`, async (t) => {
    const { platform, sidecar } = await startPair(t, { env });
    await platform.close();
    for (const method of ['GET', 'POST']) {
      isOwnError(t, await sidecar.call(INFO, { method }), 'upstream_unreachable', as);
    }
    isOwnError(t, await sidecar.call(POST.path, { body: POST.body }), 'upstream_unreachable', as);
    t.is(await sidecar.health('readyz'), 200, 'readiness does not fall because the platform does');
    t.is(await sidecar.health('livez'), 200);
  });

  const faults: readonly (readonly [string, Fault, Reason])[] = [
    ['resets the connection in place of an answer', { kind: 'reset' }, 'upstream_broken'],
    ['dies after the head of its answer', { kind: 'resetAfterHeaders' }, 'upstream_broken'],
    ['dies in the middle of a short answer', { kind: 'truncated' }, 'upstream_broken'],
    ['never answers', { kind: 'silent' }, 'upstream_timeout'],
  ];
  test.serial(`a call sent before the platform died is not sent twice (errors as ${as})`, async (t) => {
    const { control, sidecar } = await startPair(t, { env });
    for (const [name, fault, reason] of faults) {
      control.break({ path: POST.path, fault });
      control.clear();
      isOwnError(t, await sidecar.call(POST.path, { body: POST.body }), reason, as);
      t.is(control.arrivals({ path: POST.path }).length, 1, `a platform that ${name} got the POST once`);
      t.is(await sidecar.health('readyz'), 200);
      control.heal();
      t.is(await sidecar.errcode(POST.path, { body: POST.body }), 0);
    }
    t.is(costOf(control).all, 0);
  });
}

test.serial('a GET that fails on an idle connection is sent once more, on a new one', async (t) => {
  const { control, sidecar } = await startPair(t);
  t.is((await sidecar.call(INFO)).status, 200);
  control.clear();
  control.break({ path: PATH, fault: { kind: 'reset' }, times: 1 });
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  const [first, second] = control.arrivals({ path: PATH });
  t.not(first?.connection, second?.connection);
  t.is(control.arrivals({ path: PATH }).length, 2);

  control.clear();
  control.break({ path: PATH, fault: { kind: 'reset' } });
  t.is((await sidecar.call(INFO)).headers['x-wechat-sidecar-error'], 'upstream_broken');
  t.true(control.arrivals({ path: PATH }).length <= 2, 'once more, and not again');
});

test.serial('a long response that is cut off is cut off for the caller too', async (t) => {
  const { control, sidecar } = await startPair(t);
  control.break({ path: '/cgi-bin/user/get', fault: { kind: 'truncated' } });
  await t.throwsAsync(sidecar.call('/cgi-bin/user/get'), { code: 'ECONNRESET' });
  t.is((await sidecar.call(INFO)).status, 200);
});

for (const down of [{ kind: 'status', status: 502 }, { kind: 'reset' }, { kind: 'empty' }] as const) {
  test.serial(`only the token endpoint is down (${down.kind}): calls with a token continue`, async (t) => {
    const { control, sidecar } = await startPair(t);
    control.break({ path: '/cgi-bin/stable_token', fault: down });
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
    control.revoke();
    const query = `&access_token=${await sidecar.standIn()}`;
    t.is(await sidecar.errcode(INFO), 40001, 'the platform speaks for itself');
    t.is(await sidecar.errcode(INFO + query), -40001);
    t.true(costOf(control).all < 10);
    t.is(await sidecar.health('readyz'), 200);

    control.heal();
    await sidecar.untilLine('token refreshed', (line) => line['trigger'] !== 'startup');
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  });
}
