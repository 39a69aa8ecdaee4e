import test from 'ava';
import type { Log, LogFields } from '../../src/base/log.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { Keeper } from '../../src/keeper/keeper.ts';
import type { KeeperObserver } from '../../src/keeper/observer.ts';
import { memoryStore } from '../../src/keeper/store.ts';
import type { TokenRecord, TokenStore } from '../../src/keeper/store.ts';
import type { TokenAnswer } from '../../src/token/source.ts';
import { makeToken } from '../../src/token/token.ts';
import type { Credentials, Issuer } from '../../src/wechat/issuer.ts';
import { given, makeFakeIssuer, noRoute, platformSays, ripple } from '../support/fake-issuer.ts';
import type { FakeIssuer } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

const APP: Credentials = {
  appid: 'wx0123456789abcdef',
  secret: new Secret('the-app-secret'),
  mode: 'stable',
};

interface Bench {
  readonly keeper: Keeper;
  readonly issuer: FakeIssuer;
  readonly clock: ManualClock;
  readonly lines: { level: string; event: string; fields: LogFields }[];
  readonly told: unknown[];
}

function bench(options: { app?: Credentials; store?: TokenStore; issuer?: Issuer } = {}): Bench {
  const { app = APP, store = memoryStore } = options;
  const clock = new ManualClock();
  const issuer = makeFakeIssuer();
  const lines: Bench['lines'] = [];
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}): void =>
      void lines.push({ level, event, fields });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const told: unknown[] = [];
  const observer: KeeperObserver = {
    refreshed: (it) => told.push(['refreshed', it.trigger, it.result]),
    fetchFailed: (it) => told.push(['fetchFailed', it.errcode]),
    tokenChanged: (it) => told.push(['tokenChanged', it.fingerprint, it.expiresAtUnixMs]),
  };
  const random = (): number => 0.5;
  const keeper = new Keeper({ app, issuer: options.issuer ?? issuer, store, clock, random, log, observer });
  return { keeper, issuer, clock, lines, told };
}

/** A keeper that has got its first token. */
async function begun(options: Parameters<typeof bench>[0] = {}): Promise<Bench> {
  const it = bench(options);
  it.keeper.start();
  await ripple();
  await it.issuer.fetches[0]?.answer(given('first'));
  return it;
}

function valueOf(answer: TokenAnswer): string {
  return answer.kind === 'token' ? answer.token.value.reveal() : `unavailable ${answer.errcode}`;
}

test('the first token is asked for at the start, before anyone calls', async (t) => {
  const { keeper, issuer, told, clock } = bench();
  t.false(keeper.wasTried());
  keeper.start();
  await ripple();
  t.is(issuer.fetches.length, 1);
  t.is(keeper.peek(), undefined);
  await issuer.fetches[0]?.answer(given('first'));
  t.is(keeper.peek()?.value.reveal(), 'first');
  t.true(keeper.wasTried() && keeper.hasHadToken());
  t.deepEqual(told, [
    ['refreshed', 'startup', 'renewed'],
    ['tokenChanged', fingerprintOf('first'), clock.wallMs() + 7_200_000],
  ]);
});

test('callers who come before the first token wait for it', async (t) => {
  const { keeper, issuer } = bench();
  const early = keeper.token();
  keeper.start();
  await ripple();
  const late = keeper.token();
  await issuer.fetches[0]?.answer(given('first'));
  t.is(valueOf(await early), 'first');
  t.is(valueOf(await late), 'first');
  t.is(issuer.fetches.length, 1);
});

test('a caller waits two and a half seconds at most', async (t) => {
  const { keeper, clock } = bench();
  keeper.start();
  await ripple();
  const waiting = keeper.token();
  let isOver = false;
  void waiting.then(() => (isOver = true));
  clock.advance(2_499);
  await ripple();
  t.false(isOver);
  clock.advance(1);
  t.is(valueOf(await waiting), 'unavailable -1');
  t.is(keeper.status().waiting, 0);
});

test('each caller waits its own two and a half seconds', async (t) => {
  const { keeper, clock } = bench();
  keeper.start();
  await ripple();
  const first = keeper.token();
  clock.advance(1_000);
  let isOver = false;
  void keeper.token().then(() => (isOver = true));
  clock.advance(1_500);
  await first;
  await ripple();
  t.false(isOver);
  clock.advance(1_000);
  await ripple();
  t.true(isOver);
});

test('with a wrong secret callers are told at once why and what to do, in the platform’s own code', async (t) => {
  const { keeper, issuer, lines } = bench();
  keeper.start();
  await ripple();
  await issuer.fetches[0]?.answer(
    platformSays(40164, { ip: '203.0.113.7', rid: '64e5d2d0-18b1978d-6abec211' }),
  );
  const answer = await keeper.token();
  t.is(valueOf(answer), 'unavailable 40164');
  t.regex(answer.kind === 'unavailable' ? answer.message : '', /203\.0\.113\.7/);
  t.like(lines.at(-1), {
    level: 'error',
    event: 'token fetch failed',
    fields: { app: APP.appid, errcode: 40164, rid: '64e5d2d0-18b1978d-6abec211', trigger: 'startup' },
  });
  t.is(issuer.fetches.length, 1);
});

test('a caller waits for a retry that is near', async (t) => {
  const { keeper, issuer, clock, told } = bench();
  keeper.start();
  await ripple();
  await issuer.fetches[0]?.answer(noRoute);
  const waiting = keeper.token();
  clock.advance(500);
  await ripple();
  await issuer.fetches[1]?.answer(given('second try'));
  t.is(valueOf(await waiting), 'second try');
  t.deepEqual(told.slice(0, 2), [
    ['fetchFailed', -1],
    ['refreshed', 'startup', 'failed'],
  ]);
});

test('three hundred reporters of one refused token cause one fetch, and all get the new token', async (t) => {
  const { keeper, issuer } = await begun();
  const reporters = Array.from({ length: 300 }, () => keeper.refused(fingerprintOf('first'), 40001));
  t.is(issuer.fetches.length, 2);
  await issuer.fetches[1]?.answer(given('second'));
  const answers = await Promise.all(reporters);
  t.true(answers.every((answer) => valueOf(answer) === 'second'));
  t.is(issuer.fetches.length, 2);
});

test('ten thousand callers can wait for one refresh', async (t) => {
  const { keeper, issuer } = await begun();
  const reporters = Array.from({ length: 10_000 }, () => keeper.refused(fingerprintOf('first'), 42001));
  await issuer.fetches[1]?.answer(given('second'));
  t.is(new Set((await Promise.all(reporters)).map(valueOf)).size, 1);
});

test('a late report of an earlier token gets the current one, and asks nothing', async (t) => {
  const { keeper, issuer } = await begun();
  void keeper.refused(fingerprintOf('first'), 40001);
  await issuer.fetches[1]?.answer(given('second'));
  t.is(valueOf(await keeper.refused(fingerprintOf('first'), 40001)), 'second');
  t.is(valueOf(await keeper.refused('0123456789abcdef', 40001)), 'second');
  t.is(issuer.fetches.length, 2);
});

test('a report of a token that the platform accepts gets the same token', async (t) => {
  const { keeper, issuer, lines } = await begun();
  const report = keeper.refused(fingerprintOf('first'), 40001);
  await issuer.fetches[1]?.answer(given('first', 7_000_000));
  t.is(issuer.probes.length, 1);
  await issuer.probes[0]?.answer({ kind: 'accepted' });
  t.is(valueOf(await report), 'first');
  t.is(valueOf(await keeper.refused(fingerprintOf('first'), 40001)), 'first');
  t.is(issuer.fetches.length, 2);
  t.regex(lines.at(-1)?.event ?? '', /the platform accepts it/);
});

test('a token that the platform really refuses is replaced by force', async (t) => {
  const { keeper, issuer } = await begun();
  const report = keeper.refused(fingerprintOf('first'), 40001);
  await issuer.fetches[1]?.answer(given('first', 7_000_000));
  await issuer.probes[0]?.answer({ kind: 'refused', errcode: 40001 });
  t.deepEqual(
    issuer.fetches.map(({ force }) => force),
    [false, false, true],
  );
  await issuer.fetches[2]?.answer(given('forced'));
  t.is(valueOf(await report), 'forced');
  t.is(keeper.status().forcedLastDay, 1);
  t.is(keeper.status().forcedLeft, 19);
});

test('a reporter gets the old token back when no other comes in time, and calls go on with it', async (t) => {
  const { keeper, clock } = await begun();
  const report = keeper.refused(fingerprintOf('first'), 40001);
  clock.advance(2_500);
  t.is(valueOf(await report), 'first');
  t.is(keeper.peek()?.value.reveal(), 'first');
});

test('while the platform is down the token is served until its end, and then callers are told', async (t) => {
  const { keeper, issuer, clock } = await begun();
  clock.advance(7_199_999);
  await ripple();
  t.is(keeper.peek()?.value.reveal(), 'first');
  for (let tries = 1; tries < issuer.fetches.length; tries += 1) await issuer.fetches[tries]?.answer(noRoute);
  clock.advance(1);
  t.is(keeper.peek(), undefined);
  const waiting = keeper.token();
  clock.advance(2_500);
  t.is(valueOf(await waiting), 'unavailable -1');
  t.like(keeper.status().lastFailure, { over: false, errcode: -1 });
  t.is(keeper.status().fingerprint, undefined);
});

test('a machine that wakes from a long sleep renews within thirty seconds, and at the first call at once', async (t) => {
  const { keeper, issuer, clock } = await begun();
  const slept = new ManualClock();
  slept.advance(3 * 3_600_000);
  clock.lifeMs = () => slept.lifeMs();
  t.is(keeper.peek(), undefined);
  const waiting = keeper.token();
  t.is(issuer.fetches.length, 2);
  await issuer.fetches[1]?.answer(given('second'));
  t.is(valueOf(await waiting), 'second');
});

test('without any call the state is looked at every thirty seconds', async (t) => {
  const { issuer, clock } = await begun();
  const sleptMs = 3 * 3_600_000;
  const lifeMs = clock.lifeMs.bind(clock);
  // Only what the keeper reads jumps: its timer was set before the sleep.
  clock.lifeMs = () => lifeMs() + sleptMs;
  clock.advance(30_000);
  await ripple();
  t.is(issuer.fetches.length, 2);
});

test('a new secret is tried at once, and the token is served meanwhile', async (t) => {
  const { keeper, issuer } = await begun();
  const secret = new Secret('another');
  keeper.reconfigure({ ...APP, secret });
  t.is(issuer.fetches[1]?.app?.secret, secret);
  t.is(keeper.peek()?.value.reveal(), 'first');
});

test('a change of mode keeps the token until one of the other kind is in hand', async (t) => {
  const { keeper, issuer } = await begun();
  keeper.reconfigure({ ...APP, mode: 'classic' });
  t.is(keeper.peek()?.value.reveal(), 'first');
  t.is(issuer.fetches[1]?.app?.mode, 'classic');
  await issuer.fetches[1]?.answer(given('of the other kind'));
  t.is(keeper.peek()?.value.reveal(), 'of the other kind');
  t.is(keeper.status().mode, 'classic');
});

test('an operator’s request is forced, and answers the new token', async (t) => {
  const { keeper, issuer } = await begun();
  const asked = keeper.refreshNow();
  t.true(issuer.fetches[1]?.force);
  await issuer.fetches[1]?.answer(given('second'));
  t.is(valueOf(await asked), 'second');
});

test('an issuer that throws costs neither the keeper nor the process', async (t) => {
  let calls = 0;
  const issuer: Issuer = {
    fetch() {
      calls += 1;
      throw new Error('a defect that names the-app-secret');
    },
    probe: () => Promise.reject(new Error('a defect')),
  };
  const { keeper, clock, lines } = bench({ issuer });
  keeper.start();
  await ripple();
  clock.advance(60_000);
  await ripple();
  t.true(calls > 1);
  t.false(JSON.stringify(lines).includes('the-app-secret'));
});

test('a remembered token is served without asking the platform', async (t) => {
  const clock = new ManualClock();
  const record: TokenRecord = {
    appid: APP.appid,
    mode: 'stable',
    token: {
      value: new Secret('remembered'),
      issuedAtUnixMs: clock.wallMs() - 1_000_000,
      expiresAtUnixMs: clock.wallMs() + 6_200_000,
    },
    forcedAtUnixMs: [clock.wallMs() - 1_000],
  };
  const { keeper, issuer, told } = bench({ store: { ...memoryStore, load: () => Promise.resolve(record) } });
  keeper.start();
  t.is(valueOf(await keeper.token()), 'remembered');
  t.is(issuer.fetches.length, 0);
  t.true(keeper.wasTried());
  t.is(keeper.status().forcedLeft, 19);
  t.deepEqual(told, [['tokenChanged', fingerprintOf('remembered'), clock.wallMs() + 6_200_000]]);
});

test('a store that does not answer, or fails, is not waited for', async (t) => {
  const slow = bench({ store: { ...memoryStore, load: () => new Promise(() => undefined) } });
  slow.keeper.start();
  await ripple();
  t.is(slow.issuer.fetches.length, 0);
  slow.clock.advance(1_500);
  t.is(slow.issuer.fetches.length, 1);
  const broken = bench({ store: { ...memoryStore, load: () => Promise.reject(new Error('broken')) } });
  broken.keeper.start();
  await ripple();
  t.is(broken.issuer.fetches.length, 1);
});

test('a token and a forced refresh are saved as soon as they are known', async (t) => {
  const saved: TokenRecord[] = [];
  const { keeper } = await begun({ store: { ...memoryStore, save: (record) => void saved.push(record) } });
  t.is(saved.at(-1)?.token?.value.reveal(), 'first');
  void keeper.refreshNow();
  t.is(saved.at(-1)?.forcedAtUnixMs.length, 1);
});

test('a newer token of another holder is served from then on', async (t) => {
  const { keeper, clock, issuer } = await begun();
  clock.advance(1_000);
  keeper.adopt(makeToken('of another', clock.lifeMs(), 7_200_000));
  t.is(keeper.peek()?.value.reveal(), 'of another');
  t.is(issuer.fetches.length, 1);
});

test('closing ends all waiting, and what arrives later changes nothing', async (t) => {
  const { keeper, issuer, clock } = bench();
  keeper.start();
  await ripple();
  const waiting = keeper.token();
  keeper.close();
  t.is(valueOf(await waiting), 'unavailable -1');
  await issuer.fetches[0]?.answer(given('too late'));
  t.is(keeper.peek(), undefined);
  clock.advance(100_000);
  t.is(valueOf(await keeper.token()), 'unavailable -1');
  t.is(issuer.fetches.length, 1);
});

test('neither log nor status nor observer show a token or a secret', async (t) => {
  const { keeper, issuer, lines, told, clock } = await begun();
  void keeper.refused(fingerprintOf('first'), 40001);
  await issuer.fetches[1]?.answer(given('first'));
  await issuer.probes[0]?.answer({ kind: 'refused', errcode: 40001 });
  await issuer.fetches[2]?.answer(platformSays(40125));
  clock.advance(1_000_000);
  const shown = JSON.stringify([lines, told, keeper.status()]);
  t.true(shown.includes(fingerprintOf('first')));
  for (const secret of ['"first"', 'the-app-secret']) t.false(shown.includes(secret));
});

test('the status tells what failed, since when, and that it is over', async (t) => {
  const { keeper, issuer, clock } = await begun();
  const failedAtMs = clock.wallMs();
  keeper.reconfigure({ ...APP, secret: new Secret('wrong') });
  await issuer.fetches[1]?.answer(platformSays(40125));
  clock.advance(330_000);
  await ripple();
  await issuer.fetches[2]?.answer(platformSays(40125));
  t.like(keeper.status(), {
    phase: 'resting',
    fetchesLastDay: 3,
    lastFailure: { errcode: 40125, sinceUnixMs: failedAtMs, times: 2, over: false },
  });
  keeper.reconfigure(APP);
  await issuer.fetches[3]?.answer(given('first'));
  t.like(keeper.status(), { phase: 'idle', lastFailure: { errcode: 40125, times: 2, over: true } });
});
