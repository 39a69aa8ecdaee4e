import test from 'ava';
import { Secret } from '../../src/base/secret.ts';
import { makeToken, type TokenMode } from '../../src/token/token.ts';
import type { Ask, AskOutcome, AskRequest } from '../../src/wechat/ask.ts';
import type { Credentials, FetchOutcome, ProbeOutcome } from '../../src/wechat/issuer.ts';
import { makePlatformIssuer } from '../../src/wechat/platform-issuer.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { issuerOf } from '../support/simulator-issuer.ts';
import { startSimulator } from '../support/simulator.ts';

/** The shortest that counts as one. */
const TOKEN = '16_characters_ok';

const SECRET = 'a+secret&that=needs encoding';

function account(mode: TokenMode): Credentials {
  return { appid: 'wx0123456789abcdef', secret: new Secret(SECRET), mode };
}

function answering(body: string | Buffer, status = 200): { ask: Ask; asked: AskRequest[] } {
  const asked: AskRequest[] = [];
  const ask: Ask = async (request) => {
    asked.push(request);
    return { kind: 'answer', status, body: Buffer.from(body) };
  };
  return { ask, asked };
}

async function fetched(body: string | Buffer, status = 200): Promise<FetchOutcome> {
  return makePlatformIssuer(answering(body, status).ask).fetch(account('stable'), false);
}

async function probed(body: string | Buffer, status = 200): Promise<ProbeOutcome> {
  return makePlatformIssuer(answering(body, status).ask).probe(makeToken('tok_en', 0, 1));
}

function shown(outcome: FetchOutcome): unknown {
  return outcome.kind === 'token' ? [outcome.value.reveal(), outcome.expiresInMs] : outcome.cause;
}

test('the stable endpoint is called by POST with JSON, forced or not', async (t) => {
  const { ask, asked } = answering(`{"access_token":"${TOKEN}","expires_in":7200}`);
  const issuer = makePlatformIssuer(ask);
  await issuer.fetch(account('stable'), false);
  await issuer.fetch(account('stable'), true);
  t.deepEqual(
    asked.map(({ method, path, body }) => ({ method, path, body: JSON.parse(body ?? '') as unknown })),
    [false, true].map((force_refresh) => ({
      method: 'POST' as const,
      path: '/cgi-bin/stable_token',
      body: { grant_type: 'client_credential', appid: 'wx0123456789abcdef', secret: SECRET, force_refresh },
    })),
  );
});

test('the classic endpoint is called by GET with an encoded query', async (t) => {
  const { ask, asked } = answering(`{"access_token":"${TOKEN}","expires_in":7200}`);
  await makePlatformIssuer(ask).fetch(account('classic'), false);
  t.is(asked[0]?.method, 'GET');
  t.is(asked[0]?.body, undefined);
  const url = new URL(asked[0]?.path ?? '', 'http://platform');
  t.is(url.pathname, '/cgi-bin/token');
  t.deepEqual(
    [...url.searchParams],
    [
      ['grant_type', 'client_credential'],
      ['appid', 'wx0123456789abcdef'],
      ['secret', SECRET],
    ],
  );
});

test('a token is probed with get_api_domain_ip', async (t) => {
  const { ask, asked } = answering('{"ip_list":["101.226.62.77"]}');
  const outcome = await makePlatformIssuer(ask).probe(makeToken('to/k en', 0, 1));
  t.deepEqual(outcome, { kind: 'accepted' });
  t.is(asked[0]?.path, '/cgi-bin/get_api_domain_ip?access_token=to%2Fk+en');
});

for (const [what, body] of [
  ['plain', `{"access_token":"${TOKEN}","expires_in":7200}`],
  ['with an errcode of 0', `{"errcode":0,"errmsg":"ok","access_token":"${TOKEN}","expires_in":7200}`],
  ['with numbers as text', `{"errcode":"0","expires_in":"7200","access_token":"${TOKEN}"}`],
  ['in white space and a byte order mark', `\ufeff\r\n {"access_token":"${TOKEN}",\n"expires_in":7200}\n`],
  ['beside a raw control character', `{"note":"a\u0001b","access_token":"${TOKEN}","expires_in":7200}`],
] as const) {
  test(`a token is read from a response ${what}`, async (t) => {
    t.deepEqual(shown(await fetched(body)), [TOKEN, 7_200_000]);
  });
}

function given(token: unknown, expiresIn: unknown = 7_200): string {
  return JSON.stringify({ access_token: token, expires_in: expiresIn });
}

test('tokens of 16 to 2,048 characters of printable ASCII are read', async (t) => {
  const printable = String.fromCharCode(...Array.from({ length: 0x7e - 0x20 }, (_, i) => 0x21 + i));
  for (const token of [TOKEN, 'a'.repeat(2_048), printable]) {
    t.deepEqual(shown(await fetched(given(token))), [token, 7_200_000]);
  }
});

test('a lifetime of up to a day is accepted as it is', async (t) => {
  for (const [expiresIn, lifeMs] of [
    [0.001, 1],
    [1, 1_000],
    [86_400, 86_400_000],
    [1e12, 86_400_000],
    [1e300, 86_400_000],
  ] as const) {
    t.deepEqual(shown(await fetched(given(TOKEN, expiresIn))), [TOKEN, lifeMs]);
  }
});

for (const [what, body, status] of [
  ['is empty', '', 200],
  ['is HTML', '<html>Bad Gateway</html>', 200],
  ['is a token under a 5xx', given(TOKEN), 502],
  ['is a 412', '', 412],
  ['is a redirect', '', 302],
  ['is cut off', `{"access_token":"${TOKEN}","expires_in":72`, 200],
  ['is an array', `[${given(TOKEN)}]`, 200],
  ['is null', 'null', 200],
  ['has an empty token', given(''), 200],
  ['has no token', '{"expires_in":7200}', 200],
  ['has a token that is no text', given(5_000_000_000_000_000), 200],
  ['has a token in a list', given([TOKEN]), 200],
  ['has a token of 15 characters', given(TOKEN.slice(1)), 200],
  ['has a token that is too long', given('a'.repeat(2_049)), 200],
  ['has a token with a line break', given(`${TOKEN}\r\nx: y`), 200],
  ['has a token that ends in a line break', given(`${TOKEN}\n`), 200],
  ['has a token with a NUL', given(`${TOKEN}\u0000`), 200],
  ['has a token with a DEL', given(`${TOKEN}\u007f`), 200],
  ['has a token with a space', given(`${TOKEN} ${TOKEN}`), 200],
  ['has a token with an umlaut', given(`${TOKEN}ü`), 200],
  ['has a token with Chinese', given(`${TOKEN}令牌`), 200],
  ['has a token with half a character', `{"access_token":"${TOKEN}\\ud800","expires_in":7200}`, 200],
  ['has no expires_in', `{"access_token":"${TOKEN}"}`, 200],
  ['has an expires_in of 0', given(TOKEN, 0), 200],
  ['has an expires_in below 0', given(TOKEN, -7_200), 200],
  ['has an expires_in of null', given(TOKEN, null), 200],
  ['has a true expires_in', given(TOKEN, true), 200],
  ['has a list for an expires_in', given(TOKEN, [7_200]), 200],
  ['has an endless expires_in', `{"access_token":"${TOKEN}","expires_in":1e999}`, 200],
  ['has words for an expires_in', given(TOKEN, 'soon'), 200],
  ['has an empty expires_in', given(TOKEN, ''), 200],
  ['has an expires_in below 0 as text', given(TOKEN, '-7200'), 200],
  ['has an expires_in of 0 as text', given(TOKEN, '0'), 200],
  ['has an expires_in in hexadecimal', given(TOKEN, '0x1c20'), 200],
  ['has an errcode that is no number', `{"errcode":"x","access_token":"${TOKEN}","expires_in":7200}`, 200],
  ['has neither errcode nor token', '{"errcode":0,"errmsg":"ok"}', 200],
  ['is far too large', `{"access_token":"${TOKEN}","expires_in":7200,"x":"${'x'.repeat(300_000)}"}`, 200],
] as const) {
  test(`a response that ${what} is unreadable`, async (t) => {
    t.is(shown(await fetched(body, status)), 'unreadable');
  });
}

for (const [body, errcode] of [
  ['{"errcode":40125,"errmsg":"invalid appsecret, rid: 66b5fb8f-5e3c0071-3d7f539a"}', 40125],
  ['{"errmsg":"system error","errcode":-1}', -1],
  ['{"errmsg":"late","nested":{"errcode":1},"errcode":"40013"}', 40013],
  ['{"errcode":40001,"access_token":"T","expires_in":7200}', 40001],
  ['{"errcode":45011,"errmsg":"raw \u0008 control"}', 45011],
] as const) {
  test(`the platform's errcode is read from ${JSON.stringify(body)}`, async (t) => {
    const outcome = await fetched(body);
    t.like(outcome, { kind: 'failure', cause: 'platform', errcode });
  });
}

test('the address that the platform saw and the request id are taken from the error text', async (t) => {
  const captured =
    '{"errcode":40164,"errmsg":"invalid ip 101.226.140.206 ipv6 ::ffff:101.226.140.206, not in whitelist rid: 64e5d2d0-18b1978d-6abec211"}';
  t.like(await fetched(captured), { ip: '101.226.140.206', rid: '64e5d2d0-18b1978d-6abec211' });
  const registered =
    '{"errcode":61004,"errmsg":"access clientip is not registered requestIP: 14.145.194.154 rid: 64e5d2d0-18b1978d-6abec211"}';
  t.like(await fetched(registered), { ip: '14.145.194.154' });
  const mapped = '{"errcode":40164,"errmsg":"invalid ip ::ffff:203.0.113.7, not in whitelist"}';
  t.like(await fetched(mapped), { ip: '203.0.113.7' }, 'as the IP list takes it');
  t.is('ip' in (await fetched('{"errcode":40164,"errmsg":"invalid ip 999.1.1.1, not in whitelist"}')), false);
});

test('a failure contains nothing else that the platform wrote or that we sent', async (t) => {
  const echo = JSON.stringify({ errcode: 40125, errmsg: `invalid appsecret ${SECRET} for ip ${SECRET}` });
  for (const body of [echo, `<html>${SECRET}</html>`, `{"access_token":"${SECRET}"}`, given(SECRET)]) {
    t.false(JSON.stringify(await fetched(body)).includes(SECRET));
  }
});

for (const [what, body, status, kind] of [
  ['an errcode of 0', '{"errcode":0}', 200, 'accepted'],
  ['a list', '{"ip_list":[]}', 200, 'accepted'],
  ['a lack of permission', '{"errcode":48001}', 200, 'accepted'],
  ['a quota that is used up', '{"errcode":45009}', 200, 'accepted'],
  ['40001', '{"errcode":40001}', 200, 'refused'],
  ['40014 as text', '{"errcode":"40014"}', 200, 'refused'],
  ['42001', '{"errmsg":"access_token expired","errcode":42001}', 200, 'refused'],
  ['busy', '{"errcode":-1}', 200, 'failure'],
  ['61004', '{"errcode":61004}', 200, 'failure'],
  ['an empty body', '', 200, 'failure'],
  ['a 5xx', '{"errcode":40001}', 503, 'failure'],
] as const) {
  test(`${what} in response to a probe means ${kind}`, async (t) => {
    t.is((await probed(body, status)).kind, kind);
  });
}

test('a call without a response is a transport failure', async (t) => {
  const outcome: AskOutcome = { kind: 'failed', sent: false, reason: 'ECONNREFUSED' };
  const issuer = makePlatformIssuer(async () => outcome);
  t.deepEqual(await issuer.fetch(account('classic'), false), {
    kind: 'failure',
    cause: 'transport',
    detail: 'ECONNREFUSED',
  });
});

test('the simulated platform issues, keeps, forces, accepts and refuses tokens as the real one does', async (t) => {
  const { origin, control } = await startSimulator(t);
  const issuer = issuerOf(origin);
  const app: Credentials = { appid: DEMO_APP.appid, secret: new Secret(DEMO_APP.secret), mode: 'stable' };
  const first = tokenOf(await issuer.fetch(app, false));
  t.is(tokenOf(await issuer.fetch(app, false)), first);
  t.is((await issuer.probe(makeToken(first, 0, 1))).kind, 'accepted');
  control.revoke();
  t.deepEqual(await issuer.probe(makeToken(first, 0, 1)), { kind: 'refused', errcode: 40001 });
  t.is(tokenOf(await issuer.fetch(app, false)), first);
  t.not(tokenOf(await issuer.fetch(app, true)), first);
  const classic: Credentials = { ...app, mode: 'classic' };
  t.not(tokenOf(await issuer.fetch(classic, false)), tokenOf(await issuer.fetch(classic, false)));
  const wrong: Credentials = { ...app, secret: new Secret('wrong') };
  t.like(await issuer.fetch(wrong, false), { cause: 'platform', errcode: 40125 });
});

function tokenOf(outcome: FetchOutcome): string {
  if (outcome.kind !== 'token') throw new Error(`no token: ${outcome.detail}`);
  return outcome.value.reveal();
}

test('HTTP 429 means that our calls are rate-limited, whatever its body', async (t) => {
  t.is(shown(await fetched('{"errcode":-1}', 429)), 'throttled');
  const trial = await probed('', 429);
  t.is(trial.kind === 'failure' && trial.cause, 'throttled');
});
