import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { runCommand } from '../support/process.ts';
import { ask } from '../support/simulator-client.ts';
import { INFO, startPair } from '../support/sidecar.ts';

const SLOW = '/cgi-bin/menu/get';

test.serial('a stop finishes the calls in flight, accepts no new ones, and exits with 0', async (t) => {
  const { control, sidecar } = await startPair(t);
  control.delay({ path: SLOW, ms: 4_000 });
  control.delay({ path: '/cgi-bin/message/custom/send', ms: 4_000 });
  const calls = [
    ...Array.from({ length: 5 }, () => sidecar.call(SLOW)),
    sidecar.call('/cgi-bin/message/custom/send', { body: { touser: 'oX' } }),
    // A download that passes through, with a foreign token.
    sidecar.call(`${SLOW}?access_token=somebody-elses-token-of-some-length`),
  ];
  await control.arrived({ path: '*', count: calls.length });
  const stopped = sidecar.stop();
  await sidecar.untilLine('stopping');
  t.is(await sidecar.health('readyz'), 503);
  t.is(await sidecar.health('livez'), 200);
  await t.throwsAsync(sidecar.call(INFO), { code: 'ECONNREFUSED' });

  const replies = await Promise.all(calls);
  t.deepEqual(
    replies.map((reply) => [reply.status, reply.json()['errcode']]),
    [...Array.from({ length: 5 }, () => [200, 46003]), [200, 0], [200, 40001]],
  );
  for (const { headers } of replies) t.is(headers.connection, 'close');
  t.deepEqual(await stopped, { code: 0, signal: null });
  t.is((await sidecar.untilLine('stopped'))['callsCut'], 0);
});

test.serial('an upload that is still arriving is finished too', async (t) => {
  const { control, sidecar } = await startPair(t);
  const call = request(`${sidecar.base}/cgi-bin/message/custom/send`, {
    method: 'POST',
    headers: { 'content-length': 24 },
    agent: false,
  });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    call.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
  });
  call.write('{"touser":');
  await control.arrived({ path: '/cgi-bin/message/custom/send' });
  const stopped = sidecar.stop();
  await sidecar.untilLine('stopping');
  call.end('"oSlowUpload"}');
  t.is(await answered, 200);
  t.is((await stopped).code, 0);
  t.is(control.arrivals({ path: '/cgi-bin/message/custom/send' })[0]?.body?.text, '{"touser":"oSlowUpload"}');
});

test.serial('a second Ctrl-C ends the process without waiting', async (t) => {
  const { control, sidecar } = await startPair(t);
  control.break({ path: SLOW, fault: { kind: 'silent' } });
  const call = t.throwsAsync(sidecar.call(SLOW));
  await control.arrived({ path: SLOW });
  sidecar.signal('SIGINT');
  await sidecar.untilLine('stopping');
  // Two signals close together are one key press, because both npm and the terminal send it.
  await pause(300);
  t.deepEqual(await sidecar.stop('SIGINT'), { code: 1, signal: null });
  await call;
});

test.serial('a repeated SIGTERM aborts nothing', async (t) => {
  const { control, sidecar } = await startPair(t);
  control.delay({ path: SLOW, ms: 1_000 });
  const call = sidecar.call(SLOW);
  await control.arrived({ path: SLOW });
  const stopped = sidecar.stop();
  await sidecar.untilLine('stopping');
  sidecar.signal('SIGTERM');
  t.is((await call).status, 200);
  t.is((await stopped).code, 0);
});

test.serial('during the drain delay calls are accepted, but readiness fails', async (t) => {
  const { sidecar } = await startPair(t, { env: { WECHAT_SIDECAR_DRAIN_DELAY: '4s' } });
  const beganMs = performance.now();
  const stopped = sidecar.stop();
  await sidecar.untilLine('stopping');
  t.is(await sidecar.health('readyz'), 503);
  for (let i = 0; i < 5; i += 1) {
    const reply = await sidecar.call(INFO);
    t.is(reply.json()['openid'], 'oJourney01');
    t.is(reply.headers.connection, 'close');
  }
  t.is((await stopped).code, 0);
  t.true(performance.now() - beganMs >= 4_000);
});

test.serial('after the drain timeout the remaining calls are aborted and counted', async (t) => {
  const { control, sidecar } = await startPair(t, { env: { WECHAT_SIDECAR_DRAIN_TIMEOUT: '500ms' } });
  control.break({ path: SLOW, fault: { kind: 'silent' } });
  const calls = [t.throwsAsync(sidecar.call(SLOW)), t.throwsAsync(sidecar.call(SLOW))];
  await control.arrived({ path: SLOW, count: 2 });
  const beganMs = performance.now();
  t.deepEqual(await sidecar.stop(), { code: 0, signal: null });
  t.true(performance.now() - beganMs < 20_000, 'the default would have been 25 s');
  await Promise.all(calls);
  t.is((await sidecar.untilLine('stopped'))['callsCut'], 2);
});

test.serial('POST /quitquitquit and the command shutdown stop it', async (t) => {
  const { control, sidecar } = await startPair(t);
  control.delay({ path: SLOW, ms: 500 });
  const call = sidecar.call(SLOW);
  await control.arrived({ path: SLOW });
  t.is((await ask(`${sidecar.admin}/quitquitquit`)).status, 405, 'a GET stops nothing');
  t.is((await ask(`${sidecar.admin}/quitquitquit`, { method: 'POST' })).status, 200);
  t.is((await call).status, 200);
  t.is((await sidecar.exited).code, 0);

  const { sidecar: another } = await startPair(t);
  const env = { WECHAT_SIDECAR_ADMIN_LISTEN: `127.0.0.1:${another.adminPort}` };
  const shutdown = await runCommand(t, 'shutdown', { env });
  t.is(shutdown.code, 0);
  t.regex(shutdown.stdout, /agreed to stop/);
  t.is((await another.exited).code, 0);
  const again = await runCommand(t, 'shutdown', { env });
  t.is(again.code, 1);
  t.regex(again.stderr, /No sidecar can be stopped at 127\.0\.0\.1:\d+.*nothing listens there/);
});

test.serial('a web page, or a host name that resolves to this machine, cannot stop it', async (t) => {
  const { sidecar } = await startPair(t);
  const refused = [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { host: 'evil.example' },
  ];
  for (const headers of refused) {
    t.is((await ask(`${sidecar.admin}/quitquitquit`, { method: 'POST', headers })).status, 403);
  }
  t.is((await sidecar.call(INFO)).status, 200);
});
