import test from 'ava';
import { runCommand } from '../support/process.ts';
import { APPID, APPSECRET, costOf, INFO, startSidecar } from '../support/sidecar.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';

const WRONG = 'f00dfacef00dfacef00dfacef00dface';

interface Diagnosis {
  readonly name: string;
  readonly errcode: number;
  /** What the message must say. */
  readonly words: RegExp;
  readonly secret: string;
  arrange(platform: RunningSimulator): void;
}

const TROUBLES: readonly Diagnosis[] = [
  {
    name: 'the secret is wrong',
    errcode: 40125,
    words: /AppSecret is wrong.*What to do/,
    secret: WRONG,
    arrange() {},
  },
  {
    name: 'the secret is wrong, in the words of older back ends',
    errcode: 40001,
    words: /AppSecret is wrong/,
    secret: WRONG,
    arrange: ({ control }) => void control.knobs({ wrongSecret: 40001 }),
  },
  {
    name: 'our address is not allowed',
    errcode: 40164,
    words: /127\.0\.0\.1.*IP allow-list/,
    secret: APPSECRET,
    arrange: ({ control }) => void control.configure({ appid: APPID, ipAllow: ['203.0.113.9'] }),
  },
  {
    name: 'the secret is frozen',
    errcode: 40243,
    words: /frozen.*unfreeze/,
    secret: APPSECRET,
    arrange: ({ control }) => void control.freeze(),
  },
];

for (const { name, errcode, words, secret, arrange } of TROUBLES) {
  test.serial(`${name}: callers, the log, the status and check all report it`, async (t) => {
    const platform = await startSimulator(t);
    arrange(platform);
    const env = { WECHAT_APPSECRET: secret };
    const options = { env, secrets: [WRONG], token: false };
    const sidecar = await startSidecar(t, [platform.origin], options);
    const line = await sidecar.untilLine('token fetch failed');
    t.is(line.level, 'error');
    t.is(line['errcode'], errcode);
    t.regex(String(line['message']), words);

    const reply = await sidecar.call(`${INFO}&access_token=${await sidecar.standIn()}`);
    t.is(reply.headers['x-wechat-sidecar-error'], 'token_unavailable');
    // If it is the errcode of a refused token, an SDK would fetch another one and retry.
    t.is(reply.json()['errcode'], errcode === 40001 ? -40001 : errcode);
    t.is(await sidecar.errcode(INFO), errcode);
    t.regex(String(reply.json()['errmsg']), words);
    t.is(await sidecar.health('readyz'), 503);
    t.is(await sidecar.health('livez'), 200);
    const [account] = (await sidecar.status()).accounts;
    t.is(account?.lastFailure?.errcode, errcode);
    t.regex(account?.lastFailure?.message ?? '', words);

    // Such a problem does not pass by itself, so retries are rare, whoever calls.
    await Promise.all(Array.from({ length: 20 }, () => sidecar.call(INFO)));
    t.is(costOf(platform.control).fetches, 1);
    t.is(await sidecar.metric('wechat_sidecar_token_fetch_failures_total', `errcode="${errcode}"`), 1);

    const check = await runCommand(t, 'check', {
      env: { WECHAT_APPID: APPID, WECHAT_SIDECAR_UPSTREAMS: platform.origin, ...env },
      secrets: [WRONG],
    });
    t.is(check.code, 1);
    t.regex(check.stdout, words);
    t.regex(check.stdout, /PROBLEM[^]*1 problem\.\n$/);
  });
}

test.serial('check reports success and leaves the live token alone', async (t) => {
  const platform = await startSimulator(t);
  const env = {
    WECHAT_APPID: APPID,
    WECHAT_APPSECRET: APPSECRET,
    WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    WECHAT_TOKEN_MODE: 'classic',
  };
  const sidecar = await startSidecar(t, [platform.origin], { env });
  const check = await runCommand(t, 'check', { env });
  t.is(check.code, 0, check.stdout);
  t.regex(check.stdout, /All is well\.\n$/);
  t.is(platform.control.counters().apps[APPID]?.classicFetches, 1, "the sidecar's own");
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
});

test.serial('check reports that nothing listens, and at which address', async (t) => {
  const platform = await startSimulator(t);
  await platform.close();
  const env = {
    WECHAT_APPID: APPID,
    WECHAT_APPSECRET: APPSECRET,
    WECHAT_SIDECAR_UPSTREAMS: platform.origin,
  };
  const check = await runCommand(t, 'check', { env });
  t.is(check.code, 1);
  t.true(check.stdout.includes(platform.origin), check.stdout);
  t.regex(check.stdout, /cannot be reached: nothing listens there.*ECONNREFUSED/);
});

test.serial('check reports a wrong clock', async (t) => {
  const platform = await startSimulator(t);
  platform.control.advance({ ms: Date.now() - platform.control.nowMs() + 3_600_000 });
  const env = {
    WECHAT_APPID: APPID,
    WECHAT_APPSECRET: APPSECRET,
    WECHAT_SIDECAR_UPSTREAMS: platform.origin,
  };
  const check = await runCommand(t, 'check', { env });
  t.is(check.code, 1);
  t.regex(check.stdout, /PROBLEM.*clock of this machine is 3[56]\d\d s behind/);
});
