import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Secret } from '../../src/base/secret.ts';
import { makeLog } from '../../src/base/log.ts';
import { HubAccounts } from '../../src/hub-client/accounts.ts';
import { readBearer } from '../../src/hub-client/bearer.ts';
import { whyNot } from '../../src/hub-client/outcome.ts';
import { ripple } from '../support/fake-issuer.ts';
import { FakeHubHttp, type FakeSending, wireToken } from '../support/fake-hub-http.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Started {
  readonly clock: ManualClock;
  readonly http: FakeHubHttp;
  readonly accounts: HubAccounts;
  readonly lines: string[];
  readonly told: { appid: string; expiresAtUnixMs: number }[];
  readonly gone: string[];
  /** Requests to a path, oldest first. */
  to(path: string): FakeSending[];
}

async function startAccounts(only?: readonly string[]): Promise<Started> {
  const clock = new ManualClock();
  const http = new FakeHubHttp();
  const lines: string[] = [];
  const told: Started['told'] = [];
  const gone: string[] = [];
  const accounts = new HubAccounts({
    urls: ['http://a'],
    only,
    readBearer: () => Promise.resolve({ kind: 'bearer', value: new Secret('key-1') }),
    http,
    version: '0.0.0-test',
    clock,
    random: () => 0.5,
    log: makeLog('debug', clock, (line) => lines.push(line)),
    onToken: (token) => told.push(token),
    onGone: (appid) => gone.push(appid),
  });
  void accounts.start();
  await ripple();
  const to = (path: string): FakeSending[] => http.sendings.filter(({ request }) => request.path === path);
  return { clock, http, accounts, lines, told, gone, to };
}

const APPS = '/v1/apps';
const WATCH = '/v1/tokens/watch';

function listOf(...appids: string[]): object {
  return { apps: appids.map((appid) => ({ appid, name: appid, mode: 'stable' })) };
}

function tell(hub: Started, token: object): void {
  hub.to(WATCH).at(-1)?.head(200, ['content-type', 'text/event-stream']);
  hub
    .to(WATCH)
    .at(-1)
    ?.data(`event: token\ndata: ${JSON.stringify(token)}\n\n`);
}

test('a token from the watch is used immediately, for its remaining lifetime by our own clock', async (t) => {
  const hub = await startAccounts();
  tell(hub, wireToken('wx1', 'token-number-one', hub.clock, { agedS: 1_200 }));
  const answer = await hub.accounts.token('wx1');
  t.true(answer.kind === 'token');
  if (answer.kind !== 'token') return;
  t.is(answer.token.value.reveal(), 'token-number-one');
  t.is(answer.token.expiresAtMs - hub.clock.monotonicMs(), 6_000_000);
  t.is(hub.clock.monotonicMs() - answer.token.issuedAtMs, 1_200_000);
  t.is(hub.accounts.ownerOf(answer.token.fingerprint), 'wx1');
  t.deepEqual(
    hub.told.map(({ appid, expiresAtUnixMs }) => [appid, expiresAtUnixMs - hub.clock.unixMs()]),
    [['wx1', 6_000_000]],
  );
  t.like(hub.accounts.status().accounts[0], { appid: 'wx1', fingerprint: answer.token.fingerprint });
});

test('a sidecar that is limited to some accounts watches those that the hub has for it', async (t) => {
  const hub = await startAccounts(['wx1', 'wx&2', 'wx3']);
  t.is(hub.http.sendings.length, 1);
  await hub.to(APPS)[0]?.answer(200, listOf('wx1', 'wx&2', 'wx4'));
  t.is(hub.http.at(1).request.path, `${WATCH}?appid=wx1&appid=wx%262`);
  t.true(await hub.accounts.knows('wx1'));
  t.false(await hub.accounts.knows('wx4'));
});

test('a stream that names its accounts is reopened for those that the hub gets later', async (t) => {
  const hub = await startAccounts(['wx1', 'wx2']);
  await hub.to(APPS)[0]?.answer(200, listOf('wx1'));
  const isWatch = ({ request }: FakeSending): boolean => request.path.startsWith(WATCH);
  const first = hub.http.sendings.find(isWatch);
  first?.head(200, ['content-type', 'text/event-stream']);
  for (const [list, streams] of [
    [listOf('wx1'), 1],
    [listOf('wx1', 'wx2'), 2],
    [listOf('wx1'), 2],
  ] as const) {
    for (let beat = 0; beat < 8; beat += 1) {
      hub.clock.advance(40_000);
      hub.http.sendings.findLast(isWatch)?.data(':\n\n');
      await ripple();
    }
    await hub.to(APPS).at(-1)?.answer(200, list);
    hub.clock.advance(2_000);
    await ripple();
    t.is(hub.http.sendings.filter(isWatch).length, streams);
    if (streams === 2) hub.http.sendings.findLast(isWatch)?.head(200, ['content-type', 'text/event-stream']);
  }
  t.true(first?.aborted);
  t.is(hub.to(`${WATCH}?appid=wx1&appid=wx2`).length, 1);
});

test('a page is signed or not within 2.5 s, also if the hub is silent and a ticket might be had', async (t) => {
  const hub = await startAccounts();
  let signed: string | undefined;
  void hub.accounts.signPage('wx1', 'https://shop.example/').then(({ kind }) => (signed = kind));
  await ripple();
  hub.clock.advance(2_500);
  await ripple();
  hub.clock.advance(1);
  await ripple();
  t.is(signed, 'unavailable');
});

test('a wrong clock of the hub does not affect lifetimes', async (t) => {
  const hub = await startAccounts();
  const [issued, expires] = ['2001-01-01T00:00:00.000Z', '2001-01-01T02:00:00.000Z'];
  tell(hub, {
    appid: 'wx1',
    access_token: 'token-number-one',
    issued_at: issued,
    expires_at: expires,
    expires_in: 60,
  });
  hub.clock.advance(59_999);
  t.is((await hub.accounts.token('wx1')).kind, 'token');
  hub.clock.advance(1);
  void hub.accounts.token('wx1');
  await ripple();
  t.is(hub.to('/v1/apps/wx1/token').length, 1);
});

test('unreadable events of the watch are ignored', async (t) => {
  const hub = await startAccounts();
  const whole = wireToken('wx1', 'token-number-one', hub.clock) as Record<string, unknown>;
  for (const change of [
    { access_token: '' },
    { access_token: 7 },
    { access_token: 'fifteen_letters' },
    { access_token: 'a token with spaces' },
    { access_token: 'ein_Token_mit_Ümlaut' },
    { access_token: 'a'.repeat(2_049) },
    { appid: undefined },
    { expires_in: 0 },
    { expires_in: -1 },
    { expires_in: 1e12 },
    { expires_in: '60' },
    { issued_at: 'yesterday' },
    { expires_at: undefined },
  ]) {
    tell(hub, { ...whole, ...change });
  }
  hub.to(WATCH)[0]?.data('event: token\ndata: {"appid"\n\nevent: token\ndata: null\n\n');
  hub.to(WATCH)[0]?.data('event: gone\ndata: {"appid":"wx1"}\n\n');
  t.deepEqual(hub.told, []);
  tell(hub, whole);
  t.is(hub.told.length, 1);
});

test('a token that expires at the hub does not expire here', async (t) => {
  const hub = await startAccounts();
  tell(hub, wireToken('wx1', 'token-number-one', hub.clock));
  hub.to(WATCH)[0]?.data('event: gone\ndata: {"appid":"wx1"}\n\n');
  t.is((await hub.accounts.token('wx1')).kind, 'token');
});

test('an unlisted account is looked up again at most every ten seconds', async (t) => {
  const hub = await startAccounts();
  await hub.to(APPS)[0]?.answer(200, listOf('wx1'));
  t.true(await hub.accounts.knows('wx1'));
  t.false(await hub.accounts.knows('wx2'));
  hub.clock.advance(10_000);
  const later = ['wx2', 'wx2', 'wx3'].map(async (appid) => hub.accounts.knows(appid));
  await ripple();
  t.is(hub.to(APPS).length, 2);
  await hub.to(APPS)[1]?.answer(200, listOf('wx1', 'wx2'));
  t.deepEqual(await Promise.all(later), [true, true, false]);
  t.false(await hub.accounts.knows('wx3'));
  t.is(hub.to(APPS).length, 2);
});

test('while the hub is unavailable an unlisted account may exist, and a listed one stays listed', async (t) => {
  const hub = await startAccounts();
  await hub.to(APPS)[0]?.fail('unreachable');
  t.true(await hub.accounts.knows('wx1'));
  t.is(hub.to(APPS).length, 1);
  t.is(hub.accounts.onlyAppid(), undefined);
  t.false(hub.accounts.isListed());

  hub.clock.advance(500);
  await ripple();
  await hub.to(APPS).at(-1)?.answer(200, listOf('wx1'));
  t.is(hub.accounts.onlyAppid(), 'wx1');
  hub.clock.advance(60_000);
  t.true(await hub.accounts.knows('wx1'));
});

test('the list is requested again every few minutes, and the default account is the only one of the latest list', async (t) => {
  const hub = await startAccounts();
  await hub.to(APPS)[0]?.answer(200, listOf('wx1'));
  hub.clock.advance(299_999);
  await ripple();
  t.is(hub.to(APPS).length, 1);
  hub.clock.advance(1);
  await ripple();
  await hub.to(APPS)[1]?.answer(200, listOf('wx1', 'wx2'));
  t.is(hub.accounts.onlyAppid(), undefined);
  t.true(await hub.accounts.knows('wx2'));
  hub.clock.advance(300_000);
  await ripple();
  await hub.to(APPS)[2]?.answer(200, listOf('wx2'));
  t.is(hub.accounts.onlyAppid(), 'wx2');
});

test('an account that leaves the list is reported as gone, and its token again when it is back', async (t) => {
  const hub = await startAccounts();
  await hub.to(APPS)[0]?.answer(200, listOf('wx1', 'wx2'));
  tell(hub, wireToken('wx1', 'token-number-one', hub.clock));
  t.is(hub.told.length, 1);
  hub.clock.advance(300_000);
  await ripple();
  await hub.to(APPS)[1]?.answer(200, listOf('wx2'));
  t.deepEqual(hub.gone, ['wx1']);
  hub.clock.advance(300_000);
  await ripple();
  await hub.to(APPS)[2]?.answer(200, listOf('wx1', 'wx2'));
  t.deepEqual(
    hub.told.map(({ appid }) => appid),
    ['wx1', 'wx1'],
  );
  t.deepEqual(hub.gone, ['wx1']);
});

test('an untrusted certificate of the hub is reported with what to do', async (t) => {
  const hub = await startAccounts();
  for (const code of [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ]) {
    const message = whyNot({
      kind: 'failed',
      failure: { kind: 'unreachable', reason: code, host: 'a' },
    }).message;
    t.regex(message, new RegExp(`^no hub can be reached \\(a\\): .*NODE_EXTRA_CA_CERTS \\(${code}\\)`));
  }
  await hub.to(APPS)[0]?.fail('unreachable', 'DEPTH_ZERO_SELF_SIGNED_CERT');
  t.regex(hub.lines.join('\n'), /NODE_EXTRA_CA_CERTS.*account list not received/);
});

test('an account that the hub has removed is unknown from then on', async (t) => {
  const hub = await startAccounts();
  await hub.to(APPS)[0]?.answer(200, listOf('wx1'));
  const asked = hub.accounts.token('wx1');
  await ripple();
  await hub.to('/v1/apps/wx1/token')[0]?.problem(404, 'unknown_app');
  t.like(await asked, { kind: 'unavailable', errcode: -1 });
  t.deepEqual(hub.gone, ['wx1']);
  t.false(await hub.accounts.knows('wx1'));
});

test("the platform's own errcode is passed on, and the request is not repeated immediately", async (t) => {
  const hub = await startAccounts();
  const asked = hub.accounts.token('wx1');
  await ripple();
  await hub
    .to('/v1/apps/wx1/token')[0]
    ?.problem(503, 'token_unavailable', { errcode: 40164, retryAfterS: 1 });
  t.deepEqual(await asked, {
    kind: 'unavailable',
    errcode: 40164,
    message: 'the hub a says: token_unavailable!',
  });
  await hub.accounts.token('wx1');
  t.is(hub.to('/v1/apps/wx1/token').length, 1);
});

test('a copy of a ticket is served while it has at least 1,800 s left; then callers wait for the hub', async (t) => {
  const hub = await startAccounts();
  const path = '/v1/apps/wx1/ticket?type=jsapi';
  const says = (ticket: string, expiresIn: number): object => {
    return { appid: 'wx1', type: 'jsapi', ticket, expires_in: expiresIn };
  };
  const valueNow = async (): Promise<string> => {
    const answer = await hub.accounts.ticket('wx1', 'jsapi');
    return answer.kind === 'ticket' ? answer.ticket.value.reveal() : answer.message;
  };
  const first = Promise.all([1, 2, 3].map(valueNow));
  await ripple();
  t.is(hub.to(path).length, 1);
  await hub.to(path)[0]?.answer(200, says('one', 7_200));
  t.deepEqual(await first, ['one', 'one', 'one']);
  hub.clock.advance(5_400_000);
  t.is(await valueNow(), 'one');
  t.is(hub.to(path).length, 1);

  hub.clock.advance(1);
  const low = valueNow();
  await ripple();
  // The hub's own is as old: it is left alone for 2 s.
  await hub.to(path)[1]?.answer(200, says('one', 1_799));
  t.is(await low, 'one');
  hub.clock.advance(1_999);
  t.is(await valueNow(), 'one');
  t.is(hub.to(path).length, 2);
  hub.clock.advance(1);
  const fresh = valueNow();
  await ripple();
  await hub.to(path)[2]?.answer(200, says('two', 7_000));
  t.is(await fresh, 'two');
  t.false(hub.lines.join().includes('two'));
});

test('while the hub fails, a copy is served until it expires, after a short wait for a fresher one', async (t) => {
  const hub = await startAccounts();
  const path = '/v1/apps/wx1/ticket?type=jsapi';
  const ask = async (): Promise<string> => {
    const answer = await hub.accounts.ticket('wx1', 'jsapi');
    return answer.kind === 'ticket' ? answer.ticket.value.reveal() : 'none';
  };
  const first = ask();
  await ripple();
  await hub.to(path)[0]?.answer(200, { appid: 'wx1', type: 'jsapi', ticket: 'one', expires_in: 1_000 });
  t.is(await first, 'one');
  hub.clock.advance(2_000);
  const second = ask();
  await ripple();
  await hub.to(path)[1]?.fail('unreachable');
  t.is(await second, 'one');
  hub.clock.advance(2_000);
  const third = ask();
  await ripple();
  hub.clock.advance(500);
  t.is(await third, 'one');
  t.is(hub.to(path).length, 3);
  await hub.to(path)[2]?.fail('unreachable');
  // In its last second, which no expires_in could express, it counts as absent.
  hub.clock.advance(995_000);
  const last = ask();
  await ripple();
  await hub.to(path)[3]?.fail('unreachable');
  t.is(await last, 'none');
});

test('a credential is read from its file by its kind, or reported as unusable', async (t) => {
  const file = join(temporaryFolder(t), 'token');
  t.like(await readBearer(file), { kind: 'unreadable', why: `there is no file ${file}` });
  for (const [text, why] of [
    ['  \n', 'is empty'],
    ['two words', 'more than one word'],
    ['line\nline', 'more than one word'],
    ['x'.repeat(20_000), 'too long'],
  ] as const) {
    writeFileSync(file, text);
    const bearer = await readBearer(file);
    t.true(bearer.kind === 'unreadable' && bearer.why.includes(why), text.slice(0, 20));
  }
  writeFileSync(file, ' abc.DEF-123_~+/=\n');
  const bearer = await readBearer(file);
  t.is(bearer.kind === 'bearer' && bearer.value.reveal(), 'abc.DEF-123_~+/=');
  t.like(await readBearer(temporaryFolder(t)), { kind: 'unreadable' });
});

test('a delayed event, or a suspended process, does not lengthen the lifetime of a token', async (t) => {
  const hub = await startAccounts();
  tell(hub, wireToken('wx1', 'token-number-one', hub.clock));
  hub.clock.advance(15_000);
  hub.to(WATCH).at(-1)?.data(':\n\n');
  // Written just after the heartbeat, and read 40 s later, behind another one.
  const token = wireToken('wx1', 'token-number-two', hub.clock);
  hub.clock.advance(40_000);
  hub.to(WATCH).at(-1)?.data(':\n\n');
  hub
    .to(WATCH)
    .at(-1)
    ?.data(`event: token\ndata: ${JSON.stringify(token)}\n\n`);
  const answer = await hub.accounts.token('wx1');
  t.is(answer.kind === 'token' && answer.token.value.reveal(), 'token-number-two');
  t.is(answer.kind === 'token' && answer.token.expiresAtMs - hub.clock.monotonicMs(), 7_200_000 - 40_000);
});
