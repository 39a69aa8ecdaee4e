import test from 'ava';
import type { Ask, AskOutcome, AskRequest } from '../../src/wechat/ask.ts';
import { check, checkExitCode, renderFindings, type CheckInput } from '../../src/cli/check.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ACCOUNT, APPID, APPSECRET, readFrom, settingsOf, type Given } from '../support/settings-source.ts';

const HUB: Given = {
  env: {
    WECHAT_SIDECAR_HUB_URL: 'https://hub:3882',
    WECHAT_SIDECAR_HUB_TOKEN_FILE: '/token',
    WECHAT_SIDECAR_DEFAULT_APP: APPID,
  },
};
const BEARER = 'bearer-of-the-pod';

interface Asked {
  readonly text: string;
  readonly exitCode: 0 | 1;
  readonly requests: AskRequest[];
}

function answer(fields: unknown, status = 200, dateMs?: number): AskOutcome {
  const body = Buffer.from(JSON.stringify(fields));
  return { kind: 'answer', status, body, ...(dateMs === undefined ? {} : { dateMs }) };
}

const failed = (reason: string): AskOutcome => ({ kind: 'failed', sent: false, reason });
const TOKEN = answer({ access_token: 'token-of-the-platform', expires_in: 7_200 });

async function run(given: Given, outcome: AskOutcome, rest: Partial<CheckInput> = {}): Promise<Asked> {
  const requests: AskRequest[] = [];
  const ask: Ask = (request) => {
    requests.push(request);
    return Promise.resolve(outcome);
  };
  const findings = await check({
    settings: settingsOf(given),
    warnings: [],
    fetchClassic: false,
    ask,
    askHub: () => Promise.resolve(outcome),
    readFile: readFrom({ '/token': `${BEARER}\n` }),
    clock: new ManualClock(),
    ...rest,
  });
  const text = renderFindings(findings);
  for (const secret of [APPSECRET, 'token-of-the-platform', BEARER]) {
    if (text.includes(secret)) throw new Error(`a secret is shown: ${text}`);
  }
  return { text, exitCode: checkExitCode(findings), requests };
}

test('check reports success and exits with 0', async (t) => {
  const { text, exitCode } = await run({ env: ACCOUNT }, TOKEN);
  t.is(exitCode, 0);
  t.regex(text, /^ok +The settings can be read \(the environment, as a proxy\): 1 account\.$/m);
  t.regex(text, /^ok +wx0123456789abcdef: the platform gave a token in mode stable, good for 7200 s\.$/m);
  t.regex(text, /All is well\.\n$/);
});

const refusals: [errmsg: string, errcode: number, said: RegExp][] = [
  [
    'invalid appsecret rid: 64e5d2d0-18b1978d-6abec211',
    40125,
    /PROBLEM.*AppSecret is wrong.*64e5d2d0-18b1978d-6abec211/,
  ],
  ['invalid credential', 40001, /PROBLEM.*AppSecret is wrong/],
  ['invalid appid', 40013, /PROBLEM.*does not know this appid/],
  [
    'invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist',
    40164,
    /PROBLEM.*203\.0\.113\.7.*IP allow-list/,
  ],
  ['appsecret is frozen', 40243, /PROBLEM.*frozen.*unfreeze/],
];

for (const [errmsg, errcode, said] of refusals) {
  test(`errcode ${errcode} is reported with its cause and what to do`, async (t) => {
    const { text, exitCode } = await run({ env: ACCOUNT }, answer({ errcode, errmsg }));
    t.is(exitCode, 1);
    t.regex(text, said);
    t.regex(text, /1 problem\.\n$/);
  });
}

const reasons: [reason: string, said: RegExp][] = [
  ['ENOTFOUND', /cannot be resolved.*DNS/],
  ['ECONNREFUSED', /nothing listens there/],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /NODE_EXTRA_CA_CERTS/],
  ['SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
  ['timeout', /in time.*firewall/],
  ['UND_ERR_CONNECT_TIMEOUT', /in time.*firewall/],
  ['ENETUNREACH', /no route/],
  ['EODD', /the call failed \(EODD\)/],
];

for (const [reason, said] of reasons) {
  test(`${reason} is explained, for the platform and for a hub`, async (t) => {
    const platform = await run({ env: ACCOUNT }, failed(reason));
    t.is(platform.exitCode, 1);
    t.regex(
      platform.text,
      /PROBLEM +wx0123456789abcdef: the platform \(https:\/\/api\.weixin\.qq\.com, .*cannot be reached/,
    );
    t.regex(platform.text, said);
    const hub = await run(HUB, failed(reason));
    t.regex(hub.text, /PROBLEM +The hub https:\/\/hub:3882 cannot be reached/);
    t.regex(hub.text, said);
  });
}

test('an unreachable platform is reported once for all accounts', async (t) => {
  const yaml = 'apps: [{ appid: abc, secret: s }, { appid: def, secret: s }, { appid: ghi, secret: s }]';
  const { text, requests } = await run({ yaml }, failed('ENOTFOUND'));
  t.is(requests.length, 1);
  t.regex(text, /2 accounts left untried/);
});

test('in mode classic the live token is left alone, unless a fetch is requested', async (t) => {
  const env = { ...ACCOUNT, WECHAT_TOKEN_MODE: 'classic' };
  const careful = await run({ env }, TOKEN);
  t.deepEqual(
    careful.requests.map(({ method, path }) => `${method} ${path}`),
    ['POST /cgi-bin/stable_token'],
  );
  t.regex(careful.requests[0]?.body ?? '', /"force_refresh":false/);
  t.regex(careful.text, /No classic token was fetched.*--fetch/);
  const asked = await run({ env }, TOKEN, { fetchClassic: true });
  t.regex(asked.requests[0]?.path ?? '', /^\/cgi-bin\/token\?/);
  t.regex(asked.text, /gave a token in mode classic/);
});

test('a wrong clock is reported with its difference, which is a problem from five minutes on', async (t) => {
  const clock = new ManualClock();
  const at = (offMs: number) =>
    run(
      { env: ACCOUNT },
      answer({ access_token: 'token-of-the-platform', expires_in: 1 }, 200, clock.unixMs() - offMs),
      {
        clock,
      },
    );
  t.regex((await at(2_000)).text, /ok +The clock of this machine agrees/);
  const slow = await at(-60_000);
  t.regex(slow.text, /warning +The clock of this machine is 60 s behind/);
  t.is(slow.exitCode, 0);
  const fast = await at(600_000);
  t.regex(fast.text, /PROBLEM +The clock of this machine is 600 s ahead/);
  t.is(fast.exitCode, 1);
});

test('a hub that lets us use our account passes', async (t) => {
  const asked: string[] = [];
  const { text, exitCode } = await run(HUB, TOKEN, {
    askHub: (url, path, bearer) => {
      asked.push(`${url}${path} ${bearer.reveal()}`);
      return Promise.resolve(answer({ apps: [{ appid: APPID, name: 'shop', mode: 'stable' }] }));
    },
  });
  t.is(exitCode, 0, text);
  t.deepEqual(asked, [`https://hub:3882/v1/apps ${BEARER}`]);
  t.regex(text, /The hub https:\/\/hub:3882 lets us use wx0123456789abcdef\./);
});

test('what a hub refuses is explained', async (t) => {
  const said = async (outcome: AskOutcome) => {
    const { text, exitCode } = await run(HUB, outcome);
    t.is(exitCode, 1);
    return text;
  };
  t.regex(await said(answer({}, 401)), /refuses our credential \(HTTP 401\).*kubernetes\.allow/);
  t.regex(await said(answer({ apps: [{ appid: 'other' }] })), /does not let us use wx0123456789abcdef/);
  t.regex(await said(answer({ apps: [] })), /lets us use no account/);
  t.regex(await said(answer({}, 404)), /is not a hub \(HTTP 404\)/);
  t.regex(await said(answer('hello')), /is not a hub/);
});

test('a missing or empty credential for the hub is reported with its file', async (t) => {
  const none = await run(HUB, TOKEN, { readFile: readFrom({}) });
  t.regex(none.text, /PROBLEM +The credential for the hub \(hub\.tokenFile\): there is no file \/token\./);
  const empty = await run(HUB, TOKEN, { readFile: readFrom({ '/token': '\n' }) });
  t.regex(empty.text, /the file \/token is empty/);
});
