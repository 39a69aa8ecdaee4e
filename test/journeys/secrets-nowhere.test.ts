import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CommandLine } from '../support/process.ts';
import { rawCall } from '../support/raw-call.ts';
import { secretsIn } from '../support/secrets-nowhere.ts';
import { APPID, APPSECRET, INFO, startPair } from '../support/sidecar.ts';
import { ask, type Reply } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Not known to the sidecar: the platform uses it from then on. */
const CHANGED = 'deadbeefdeadbeefdeadbeefdeadbeef';

test.serial('the search for tokens and secrets finds them', async (t) => {
  const { control, origin } = await startSimulator(t);
  await ask(`${origin}/cgi-bin/token?grant_type=client_credential&appid=${APPID}&secret=${APPSECRET}`);
  const login = await ask(
    `${origin}/sns/oauth2/access_token?appid=${APPID}&secret=${APPSECRET}&code=c1&grant_type=authorization_code`,
  );
  const tokens = [control.token(APPID, 'classic'), login.json()['access_token']];
  for (const token of tokens) t.is(secretsIn(`{"url":"/x?access_token=${String(token)}"}`).length, 1);
  t.is(secretsIn(`secret=${APPSECRET}`).length, 1);
  t.deepEqual(secretsIn('another', ['other']), ['other…']);
  t.deepEqual(secretsIn('{"fingerprint":"30a9510f93f9132f"}'), []);

  const teardowns: (() => unknown)[] = [];
  const leaky = new CommandLine(
    { teardown: (run) => void teardowns.push(run) },
    'no-such-command-that-leaks',
    {
      secrets: ['that-leaks'],
    },
  );
  await leaky.exited;
  await t.throwsAsync(Promise.all(teardowns.map((run) => run())), { message: /Secrets in the output/ });
});

test.serial(
  'no output of a sidecar that meets every kind of failure contains a token or a secret',
  async (t) => {
    const folder = temporaryFolder(t);
    const { control, platform, sidecar } = await startPair(t, {
      env: {
        WECHAT_TOKEN_MODE: 'classic',
        WECHAT_SIDECAR_ANSWER_TIMEOUT: '300ms',
        WECHAT_SIDECAR_STORE: `file:${join(folder, 'gone', 'tokens.json')}`,
      },
    });
    rmSync(folder, { recursive: true });
    const live = (): string => control.token(APPID, 'classic') ?? '';
    const heard: Reply[] = [];
    const call = async (...args: Parameters<typeof sidecar.call>): Promise<void> => {
      heard.push(await sidecar.call(...args));
    };

    // A program that sends a real token in the query, a header and the body, in valid and invalid
    // encodings.
    const first = live();
    await call(`${INFO}&access_token=${first}`);
    await call(INFO, { headers: { authorization: `Bearer ${first}`, 'x-wechat-appid': first.slice(0, 60) } });
    await call('/cgi-bin/message/custom/send', { body: { access_token: first } });
    await call(`/cgi-bin/token?appid=${APPID}&secret=${APPSECRET}`);
    await call('/cgi-bin/stable_token', { body: { appid: APPID, secret: APPSECRET, force_refresh: true } });
    heard.push({
      ...heard[0],
      body: Buffer.from(await rawCall(sidecar.port, `GET /?${first} HTTP/1.1\r\nBad ${first}\r\n\r\n`)),
    } as Reply);

    const ticket = (await sidecar.call('/cgi-bin/ticket/getticket?type=jsapi')).json()['ticket'];
    t.is(typeof ticket, 'string');

    // Every kind of platform failure, especially those that echo the request.
    const echo = { kind: 'errcode', errcode: 40001, errmsg: 'invalid credential' } as const;
    control.revoke();
    await call(INFO);
    for (const fault of [echo, { kind: 'reset' }, { kind: 'silent' }, { kind: 'truncated' }] as const) {
      control.break({ path: '/cgi-bin/user/info', fault });
      await call(INFO);
      await call(`${INFO}&access_token=${await sidecar.standIn()}`);
    }
    control.heal();
    control.configure({ appid: APPID, secret: CHANGED });
    control.revoke();
    await call(INFO);
    await call('/sns/jscode2session?js_code=c1&grant_type=authorization_code');
    await platform.close();
    await call(INFO);
    await call('/sns/jscode2session?js_code=c2&grant_type=authorization_code');

    for (const { body, rawHeaders } of heard) {
      t.deepEqual(secretsIn(body.toString() + rawHeaders.join(' ')), []);
    }
    for (const name of ['status', 'metrics'] as const) t.true((await sidecar.page(name)).length > 100);
    await sidecar.stop();
    t.true(sidecar.lines('call').length >= heard.length - 1, 'it was heard at debug level');
    t.deepEqual(secretsIn(sidecar.stdout() + sidecar.stderr(), [String(ticket), CHANGED]), []);
  },
);
