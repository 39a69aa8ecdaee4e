import test from 'ava';
import { fingerprintOf } from '../../src/base/secret.ts';
import { memoryStore } from '../../src/store/store.ts';
import type { SharedState } from '../../src/token/state.ts';
import { makeToken } from '../../src/token/token.ts';
import type { Issuer } from '../../src/wechat/issuer.ts';
import { given, noRoute, platformSays, ripple } from '../support/fake-issuer.ts';
import { APP, begun, bench, valueOf } from '../support/keeper-bench.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('a machine that resumes after a long suspension renews within thirty seconds, or immediately on the first call', async (t) => {
  const { keeper, issuer, clock } = await begun();
  const slept = new ManualClock();
  slept.advance(3 * 3_600_000);
  clock.monotonicMs = () => slept.monotonicMs();
  t.is(keeper.peek(), undefined);
  const waiting = keeper.token();
  t.is(issuer.fetches.length, 2);
  await issuer.fetches[1]?.answer(given('second'));
  t.is(valueOf(await waiting), 'second');
});

test('without any call the state is checked every thirty seconds', async (t) => {
  const { issuer, clock } = await begun();
  const sleptMs = 3 * 3_600_000;
  const lifeMs = clock.monotonicMs.bind(clock);
  // Only the clock jumps: the keeper's timer was set before the sleep.
  clock.monotonicMs = () => lifeMs() + sleptMs;
  clock.advance(30_000);
  await ripple();
  t.is(issuer.fetches.length, 2);
});

test('an issuer that throws does not break the keeper or the process', async (t) => {
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

test('a call to the platform that never ends is aborted and repeated', async (t) => {
  const { issuer, clock, lines } = await begun();
  clock.advance(7_200_000);
  await ripple();
  clock.advance(60_000);
  await ripple();
  t.true(issuer.fetches.length >= 3);
  t.true(lines.some(({ event }) => event === 'token fetch failed'));
});

test('a stored token is served without asking the platform', async (t) => {
  const clock = new ManualClock();
  const known: SharedState = {
    token: makeToken('remembered', clock.monotonicMs() - 1_000_000, 7_200_000),
    forcedAtMs: [clock.monotonicMs() - 1_000],
  };
  const { keeper, issuer, told } = bench({ store: { ...memoryStore, load: () => Promise.resolve(known) } });
  keeper.start();
  t.is(valueOf(await keeper.token()), 'remembered');
  t.is(issuer.fetches.length, 0);
  t.true(keeper.wasTried());
  t.is(keeper.status().forcedLeft, 19);
  t.deepEqual(told, [['tokenChanged', fingerprintOf('remembered'), clock.unixMs() + 6_200_000]]);
});

test('a store that is slow or fails does not block the first fetch', async (t) => {
  const slow = bench({ store: { ...memoryStore, load: () => new Promise(() => undefined) } });
  slow.keeper.start();
  await ripple();
  t.is(slow.issuer.fetches.length, 0);
  slow.clock.advance(1_500);
  await ripple();
  t.is(slow.issuer.fetches.length, 1);
  const broken = bench({ store: { ...memoryStore, load: () => Promise.reject(new Error('broken')) } });
  broken.keeper.start();
  await ripple();
  t.is(broken.issuer.fetches.length, 1);
});

test('a token and a forced refresh are saved as soon as they are known', async (t) => {
  const saved: SharedState[] = [];
  const { keeper } = await begun({ store: { ...memoryStore, save: (_, known) => void saved.push(known) } });
  t.is(saved.at(-1)?.token?.value.reveal(), 'first');
  void keeper.refreshNow();
  t.is(saved.at(-1)?.forcedAtMs.length, 1);
});

test('a newer token of another holder is served from then on', async (t) => {
  const { keeper, clock, issuer } = await begun();
  clock.advance(1_000);
  keeper.adopt({ token: makeToken('of another', clock.monotonicMs(), 7_200_000), forcedAtMs: [] });
  t.is(keeper.peek()?.value.reveal(), 'of another');
  t.is(issuer.fetches.length, 1);
});

test('closing ends all waits, and later responses change nothing', async (t) => {
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

test('very short-lived tokens are logged once, and callers get the reason', async (t) => {
  const { keeper, issuer, clock, lines } = bench();
  keeper.start();
  await ripple();
  for (let fetch = 0; fetch < 6; fetch += 1) {
    await issuer.fetches[fetch]?.answer(given(`moment-${fetch}`, 1));
    clock.advance(fetch < 2 ? 1_000 : 34_000);
    await ripple();
  }
  t.is(issuer.fetches.length, 7);
  const told = lines.filter(({ event }) => event === 'tokens are too short-lived; fetches are spaced');
  t.is(told.length, 1);
  await issuer.fetches[6]?.answer(given('moment-6', 1));
  clock.advance(1_000);
  const answer = await keeper.token();
  t.regex(answer.kind === 'unavailable' ? answer.message : '', /live for less than one second/);
  t.like(keeper.status().lastFailure, { cause: 'short_lived', lifeS: 0, over: false, times: 5 });
  clock.advance(34_000);
  await issuer.fetches[7]?.answer(given('lasting'));
  t.is(valueOf(await keeper.token()), 'lasting');
  t.is(keeper.status().lastFailure?.over, true);
});

test('a program that keeps the token itself waits for the successor of a token that is due', async (t) => {
  const { keeper, issuer, clock } = await begun();
  t.is(valueOf(await keeper.lastingToken()), 'first');
  clock.advance(7_200_000 - 270_000);
  await ripple();
  t.is(issuer.fetches.length, 2);
  t.is(valueOf(await keeper.token()), 'first');
  const waiting = keeper.lastingToken();
  await issuer.fetches[1]?.answer(noRoute);
  clock.advance(1_000);
  await ripple();
  t.is(issuer.fetches.length, 3);
  await issuer.fetches[2]?.answer(given('second'));
  t.is(valueOf(await waiting), 'second');
});

test('a program that keeps the token itself does not wait if the next attempt is far away', async (t) => {
  const { keeper, issuer, clock } = await begun();
  clock.advance(7_200_000 - 270_000);
  await ripple();
  await issuer.fetches[1]?.answer(platformSays(40164));
  t.is(valueOf(await keeper.lastingToken()), 'first');
});

test('a program that keeps the token itself gets the token that is due if its successor is late', async (t) => {
  const { keeper, clock } = await begun();
  clock.advance(7_200_000 - 270_000);
  await ripple();
  const waiting = keeper.lastingToken();
  clock.advance(2_500);
  t.is(valueOf(await waiting), 'first');
});

test('a program that needs the successor of a token that is due cuts a backoff short', async (t) => {
  const { keeper, issuer, clock } = await begun({ app: { ...APP, mode: 'classic' } });
  clock.advance(7_200_000 - 1_940_000);
  await ripple();
  // Failures until the backoff is long.
  for (let fetch = 1; fetch < 8; fetch += 1) {
    await issuer.fetches[fetch]?.answer(noRoute);
    if (fetch < 7) clock.advance(60_000);
    await ripple();
  }
  t.is(issuer.fetches.length, 8);
  void keeper.token();
  await ripple();
  t.is(issuer.fetches.length, 8);
  const waiting = keeper.lastingToken();
  await ripple();
  t.is(issuer.fetches.length, 9);
  await issuer.fetches[8]?.answer(given('second'));
  t.is(valueOf(await waiting), 'second');
});

test('classic fetches that a busy platform declines do not use up the quota for refused tokens', async (t) => {
  let isBusy = true;
  let fetches = 0;
  const issuer: Issuer = {
    fetch() {
      fetches += 1;
      return Promise.resolve(fetches === 1 || !isBusy ? given(`token-${fetches}`) : platformSays(-1));
    },
    probe: () => Promise.resolve({ kind: 'refused', errcode: 40001 }),
  };
  const { keeper, clock } = bench({ issuer, app: { ...APP, mode: 'classic' } });
  keeper.start();
  await ripple();
  const report = (): void => {
    const fingerprint = keeper.peek()?.fingerprint ?? '';
    void keeper.report({ fingerprint, errcode: 40001, path: undefined, succeeded: false }, 'a caller');
  };
  report();
  for (let seconds = 0; seconds < 600; seconds += 1) {
    clock.advance(1_000);
    await ripple();
  }
  t.true(fetches > 20);
  isBusy = false;
  for (let seconds = 0; seconds < 60; seconds += 1) {
    clock.advance(1_000);
    await ripple();
  }
  t.is(valueOf(await keeper.token()), `token-${fetches}`);
});
