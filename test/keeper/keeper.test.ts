import test from 'ava';
import { refusal } from '../support/refusal.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { given, noRoute, platformSays, ripple } from '../support/fake-issuer.ts';
import { APP, begun, bench, valueOf } from '../support/keeper-bench.ts';

test('the first token is fetched at the start, before anyone calls', async (t) => {
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
    ['tokenChanged', fingerprintOf('first'), clock.unixMs() + 7_200_000],
  ]);
});

test('callers that arrive before the first token wait for it', async (t) => {
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

test('a caller waits at most two and a half seconds', async (t) => {
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

test('each caller has its own two and a half seconds', async (t) => {
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

test('with a wrong secret callers immediately get the reason, what to do and the platform’s own errcode', async (t) => {
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
    ['fetchFailed', undefined],
    ['refreshed', 'startup', 'failed'],
  ]);
});

test('three hundred reports of one refused token cause one fetch, and all get the new token', async (t) => {
  const { keeper, issuer } = await begun();
  const reporters = Array.from({ length: 300 }, () =>
    keeper.report(refusal(fingerprintOf('first'), 40001), 'caller'),
  );
  t.is(issuer.fetches.length, 2);
  await issuer.fetches[1]?.answer(given('second'));
  const answers = await Promise.all(reporters);
  t.true(answers.every((answer) => valueOf(answer) === 'second'));
  t.is(issuer.fetches.length, 2);
});

test('ten thousand callers can wait for one refresh', async (t) => {
  const { keeper, issuer } = await begun();
  const reporters = Array.from({ length: 10_000 }, () =>
    keeper.report(refusal(fingerprintOf('first'), 42001), 'caller'),
  );
  await issuer.fetches[1]?.answer(given('second'));
  t.is(new Set((await Promise.all(reporters)).map(valueOf)).size, 1);
});

test('a late report of an old token gets the current one without asking the platform', async (t) => {
  const { keeper, issuer } = await begun();
  void keeper.report(refusal(fingerprintOf('first'), 40001), 'caller');
  await issuer.fetches[1]?.answer(given('second'));
  t.is(valueOf(await keeper.report(refusal(fingerprintOf('first'), 40001), 'caller')), 'second');
  t.is(valueOf(await keeper.report(refusal('0123456789abcdef', 40001), 'caller')), 'second');
  t.is(issuer.fetches.length, 2);
});

test('a report of a token that the platform accepts gets the same token', async (t) => {
  const { keeper, issuer, lines } = await begun();
  const report = keeper.report(refusal(fingerprintOf('first'), 40001), 'caller');
  await issuer.fetches[1]?.answer(given('first', 7_000_000));
  t.is(issuer.probes.length, 1);
  await issuer.probes[0]?.answer({ kind: 'accepted' });
  t.is(valueOf(await report), 'first');
  t.is(valueOf(await keeper.report(refusal(fingerprintOf('first'), 40001), 'caller')), 'first');
  t.is(issuer.fetches.length, 2);
  t.regex(lines.at(-1)?.event ?? '', /the platform accepts it/);
});

test('a token that the platform really refuses is replaced by a forced refresh', async (t) => {
  const { keeper, issuer } = await begun();
  const report = keeper.report(refusal(fingerprintOf('first'), 40001), 'caller');
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

test('a reporter gets the old token back if no new one arrives in time, and calls continue with it', async (t) => {
  const { keeper, clock } = await begun();
  const report = keeper.report(refusal(fingerprintOf('first'), 40001), 'caller');
  clock.advance(2_500);
  t.is(valueOf(await report), 'first');
  t.is(keeper.peek()?.value.reveal(), 'first');
});

test('while the platform is down the token is served until it expires; then callers get an error', async (t) => {
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
  t.like(keeper.status().lastFailure, { over: false, errcode: -1, cause: 'transport' });
  t.is(keeper.status().fingerprint, undefined);
});

test('a new secret is tried at once, and the old token is served meanwhile', async (t) => {
  const { keeper, issuer } = await begun();
  const secret = new Secret('another');
  keeper.reconfigure({ ...APP, secret });
  t.is(issuer.fetches[1]?.app?.secret, secret);
  t.is(keeper.peek()?.value.reveal(), 'first');
});

test('a change of mode keeps the token until one of the other kind has been fetched', async (t) => {
  const { keeper, issuer } = await begun();
  keeper.reconfigure({ ...APP, mode: 'classic' });
  t.is(keeper.peek()?.value.reveal(), 'first');
  t.is(issuer.fetches[1]?.app?.mode, 'classic');
  await issuer.fetches[1]?.answer(given('of the other kind'));
  t.is(keeper.peek()?.value.reveal(), 'of the other kind');
  t.is(keeper.status().mode, 'classic');
});

test('a refresh by an operator is forced and returns the new token', async (t) => {
  const { keeper, issuer } = await begun();
  const asked = keeper.refreshNow();
  t.true(issuer.fetches[1]?.force);
  await issuer.fetches[1]?.answer(given('second'));
  t.is(valueOf(await asked), 'second');
});

test('the log says when the quota for refused tokens is used up', async (t) => {
  const { keeper, issuer, lines, clock } = await begun();
  for (const [fetch, name] of ['second', 'third'].entries()) {
    void keeper.report(refusal(keeper.peek()?.fingerprint ?? '', 40001), 'caller');
    // Checks are 2 s apart.
    clock.advance(2_000 * fetch);
    await issuer.fetches.at(-1)?.answer(given(keeper.peek()?.value.reveal() ?? ''));
    await issuer.probes[fetch]?.answer({ kind: 'refused', errcode: 40001 });
    await issuer.fetches.at(-1)?.answer(given(name));
  }
  t.like(lines.at(-1), { level: 'warn', event: 'forced refresh delayed', fields: { againInS: 28 } });
});

test('no token or secret appears in the log, the status or the observer', async (t) => {
  const { keeper, issuer, lines, told, clock } = await begun();
  void keeper.report(refusal(fingerprintOf('first'), 40001), 'caller');
  await issuer.fetches[1]?.answer(given('first'));
  await issuer.probes[0]?.answer({ kind: 'refused', errcode: 40001 });
  await issuer.fetches[2]?.answer(platformSays(40125));
  clock.advance(1_000_000);
  const shown = JSON.stringify([lines, told, keeper.status()]);
  t.true(shown.includes(fingerprintOf('first')));
  for (const secret of ['"first"', 'the-app-secret']) t.false(shown.includes(secret));
});

test('the status says what failed, since when, and that it is over', async (t) => {
  const { keeper, issuer, clock } = await begun();
  const failedAtMs = clock.unixMs();
  keeper.reconfigure({ ...APP, secret: new Secret('wrong') });
  await issuer.fetches[1]?.answer(platformSays(40125));
  clock.advance(330_000);
  await ripple();
  await issuer.fetches[2]?.answer(platformSays(40125));
  t.like(keeper.status(), {
    phase: 'resting',
    fetchesLastDay: 3,
    lastFailure: { cause: 'platform', errcode: 40125, sinceUnixMs: failedAtMs, times: 2, over: false },
  });
  keeper.reconfigure(APP);
  await issuer.fetches[3]?.answer(given('first'));
  t.like(keeper.status(), { phase: 'idle', lastFailure: { errcode: 40125, times: 2, over: true } });
});
