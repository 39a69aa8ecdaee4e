import test from 'ava';
import { refusal } from '../support/refusal.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import type { ReportAnswer, TokenAnswer } from '../../src/token/source.ts';
import type { Credentials, Issuer } from '../../src/wechat/issuer.ts';
import { type FakeIssuer, given, makeFakeIssuer, platformSays, ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Holder, makeHolder, SharedMemory } from '../support/shared-store.ts';

const APPID = 'wx0123456789abcdef';

interface Bench {
  readonly clock: ManualClock;
  readonly issuer: FakeIssuer;
  readonly memory: SharedMemory;
  readonly a: Holder;
  readonly b: Holder;
  /** Turns the clock in small steps, and lets everything take its course after each. */
  pass(ms: number): Promise<void>;
}

function bench(mode: 'stable' | 'classic'): Bench {
  const app: Credentials = { appid: APPID, secret: new Secret('s'), mode };
  const clock = new ManualClock();
  const memory = new SharedMemory(clock);
  const issuer = makeFakeIssuer();
  // In mode classic each report is looked into by a probe first; there the platform refuses every token.
  const probe: Issuer['probe'] = () => Promise.resolve({ kind: 'refused', errcode: 40001 });
  const parts = { app, issuer: mode === 'classic' ? { ...issuer, probe } : issuer, clock };
  return {
    clock,
    issuer,
    memory,
    a: makeHolder('a', memory, { ...parts, seed: 1 }),
    b: makeHolder('b', memory, { ...parts, seed: 2 }),
    async pass(ms) {
      for (let left = ms; left > 0; left -= 250) {
        clock.advance(Math.min(left, 250));
        await ripple();
      }
      await ripple();
    },
  };
}

/** Both have the first token, which one of them has fetched. */
async function begun(mode: 'stable' | 'classic'): Promise<Bench> {
  const it = bench(mode);
  it.a.keepers.start();
  await ripple();
  await it.issuer.fetches[0]?.answer(given('first'));
  it.b.keepers.start();
  await it.pass(500);
  return it;
}

function peek({ keepers }: Holder): string | undefined {
  return keepers.peek(APPID)?.value.reveal();
}

function shared({ keepers }: Holder): unknown {
  return keepers.status()[0]?.shared;
}

function valueOf(answer: TokenAnswer | ReportAnswer): string {
  return answer.kind === 'unavailable' ? `unavailable: ${answer.message}` : answer.token.value.reveal();
}

test('of two hubs that start together one fetches, and both have its token', async (t) => {
  const { a, b, issuer, pass } = bench('classic');
  a.keepers.start();
  b.keepers.start();
  await ripple();
  t.is(issuer.fetches.length, 1);
  t.like(shared(b), { holder: 'b', store: 'connected', refreshing: 'elsewhere', by: 'a' });
  t.like(shared(a), { refreshing: 'here' });
  await issuer.fetches[0]?.answer(given('first'));
  await pass(500);
  t.deepEqual([peek(a), peek(b)], ['first', 'first']);
  t.is(issuer.fetches.length, 1);
  t.like(shared(b), { refreshing: 'none' });
});

test('a hub that starts later uses the stored token and requests nothing', async (t) => {
  const { b, issuer } = await begun('classic');
  t.is(peek(b), 'first');
  t.is(issuer.fetches.length, 1);
  t.true(b.keepers.tried(APPID));
});

test('a report to the second hub of a token that the first has replaced causes no request', async (t) => {
  for (const mode of ['stable', 'classic'] as const) {
    const { a, b, issuer, pass } = await begun(mode);
    b.link.isDeaf = true;
    void a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
    await ripple();
    await issuer.fetches[1]?.answer(given('second'));
    t.is(peek(b), 'first');
    const report = b.keepers.report(APPID, refusal(fingerprintOf('first'), 40001));
    await pass(100);
    t.is(valueOf(await report), 'second');
    t.is(issuer.fetches.length, 2, mode);
    t.is(issuer.probes.length, 0, mode);
  }
});

test('simultaneous reports to both hubs cause one fetch', async (t) => {
  const { a, b, issuer, pass } = await begun('classic');
  const reports = [a, b].map(({ keepers }) => keepers.report(APPID, refusal(fingerprintOf('first'), 42001)));
  await ripple();
  t.is(issuer.fetches.length, 2);
  await issuer.fetches[1]?.answer(given('second'));
  await pass(600);
  t.deepEqual((await Promise.all(reports)).map(valueOf), ['second', 'second']);
  t.is(issuer.fetches.length, 2);
});

test('a missed publication is found by reading the store again', async (t) => {
  const { a, b, issuer, pass } = await begun('classic');
  b.link.isDeaf = true;
  void a.keepers.refreshNow(APPID);
  await ripple();
  await issuer.fetches[1]?.answer(given('second'));
  t.is(peek(b), 'first');
  await pass(12_500);
  t.is(peek(b), 'second');
});

test('if the hub with the lease dies during its fetch, another one takes over within eight seconds', async (t) => {
  const { a, b, issuer, pass } = await begun('classic');
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await ripple();
  t.is(issuer.fetches.length, 2);
  // Dead: its connection is gone, and it never hears of the answer.
  a.link.cut();
  void b.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await pass(6_000);
  t.is(issuer.fetches.length, 2);
  t.like(shared(b), { refreshing: 'elsewhere' });
  t.is(peek(b), 'first');
  await pass(3_000);
  t.is(issuer.fetches.length, 3);
  await issuer.fetches[2]?.answer(given('second'));
  t.is(peek(b), 'second');
});

test('a hub that dies with the lease delays a stable account by a second', async (t) => {
  const { a, b, issuer, pass } = await begun('stable');
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 40001));
  await ripple();
  a.link.cut();
  const report = b.keepers.report(APPID, refusal(fingerprintOf('first'), 40001));
  await pass(750);
  t.is(issuer.fetches.length, 2);
  await pass(500);
  t.is(issuer.fetches.length, 3);
  t.like(shared(b), { store: 'connected', refreshing: 'alone' });
  await issuer.fetches[2]?.answer(given('second'));
  t.is(valueOf(await report), 'second');
});

test('a slow fetch keeps its lease', async (t) => {
  const { a, b, issuer, pass } = await begun('classic');
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  void b.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await pass(25_000);
  t.is(issuer.fetches.length, 2);
  await issuer.fetches[1]?.answer(given('second'));
  await pass(600);
  t.deepEqual([peek(a), peek(b)], ['second', 'second']);
});

test('a failed fetch releases the lease for the next hub', async (t) => {
  const { a, b, issuer, pass } = await begun('classic');
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  void b.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await ripple();
  await issuer.fetches[1]?.answer(platformSays(-1));
  await pass(600);
  t.is(issuer.fetches.length, 3);
  await issuer.fetches[2]?.answer(given('second'));
  await pass(600);
  t.deepEqual([peek(a), peek(b)], ['second', 'second']);
});

test('without the store a classic token is served until it expires, and not fetched', async (t) => {
  const { a, b, issuer, pass, clock } = await begun('classic');
  a.link.cut();
  b.link.cut();
  clock.advance(7_000_000);
  await pass(10_000);
  t.is(peek(a), 'first');
  t.is(issuer.fetches.length, 1);
  t.like(shared(a), { store: 'unavailable', refreshing: 'withheld' });
  const failure = a.keepers.status()[0]?.lastFailure;
  t.regex(failure?.message ?? '', /store cannot be reached/);
  t.like(failure, { cause: 'store', reason: 'unavailable' });
  clock.advance(200_000);
  await pass(5_000);
  const waiting = a.keepers.token(APPID);
  await pass(3_000);
  t.regex(valueOf(await waiting), /^unavailable: The token store cannot be reached/);
  a.link.mend();
  b.link.mend();
  await pass(30_000);
  t.is(issuer.fetches.length, 2);
});

test('a classic hub without the store directs reporters of a refused token to the other hubs', async (t) => {
  const { a, b, issuer, pass } = await begun('classic');
  a.link.cut();
  void b.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await ripple();
  await issuer.fetches[1]?.answer(given('second'));
  const report = a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await pass(250);
  t.regex(valueOf(await report), /^unavailable: The token store cannot be reached/);
  // All others are served: their calls may be the first to tell that it is not refused at all.
  t.is(valueOf(await a.keepers.token(APPID)), 'first');
  a.link.mend();
  await pass(250);
  t.is(peek(a), 'second');
  t.like(shared(a), { refreshing: 'none' });
});

test('without the store each hub refreshes a stable token on its own', async (t) => {
  const { a, b, issuer, pass, clock } = await begun('stable');
  a.link.cut();
  b.link.cut();
  clock.advance(6_950_000);
  await ripple();
  t.is(issuer.fetches.length, 3);
  t.like(shared(a), { store: 'unavailable', refreshing: 'alone' });
  await issuer.fetches[1]?.answer(given('second'));
  await issuer.fetches[2]?.answer(given('second', 7_190_000));
  t.deepEqual([peek(a), peek(b)], ['second', 'second']);
  a.link.mend();
  b.link.mend();
  await pass(600);
  t.deepEqual([peek(a), peek(b)], ['second', 'second']);
  t.is(issuer.fetches.length, 3);
});

test('a store that comes back empty is written again, and older tokens in it are not used', async (t) => {
  const { a, b, memory, issuer, pass } = await begun('classic');
  const old = memory.places;
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await ripple();
  await issuer.fetches[1]?.answer(given('second'));
  await pass(600);
  for (const past of [new Map(), old]) {
    memory.places = past;
    await pass(13_000);
    t.is(memory.at({ appid: APPID, mode: 'classic' }).record?.fingerprint, fingerprintOf('second'));
    t.deepEqual([peek(a), peek(b)], ['second', 'second']);
  }
  t.is(issuer.fetches.length, 2);
});

test('after the store lost its data, a classic fetch waits until any fetch that it forgot has ended', async (t) => {
  const { a, b, memory, issuer, pass } = await begun('classic');
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await ripple();
  t.is(issuer.fetches.length, 2);
  memory.places = new Map();
  a.link.cut();
  void b.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await pass(14_000);
  t.is(issuer.fetches.length, 2);
  await pass(3_000);
  t.is(issuer.fetches.length, 3);
});

test('a token that was fetched after the lease was lost yields to the later one', async (t) => {
  const { a, b, issuer, pass } = await begun('classic');
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await ripple();
  a.link.cut();
  void b.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await pass(9_000);
  await issuer.fetches[2]?.answer(given('of b'));
  a.link.mend();
  await pass(500);
  await issuer.fetches[1]?.answer(given('of a, too late'));
  await pass(500);
  t.deepEqual([peek(a), peek(b)], ['of b', 'of b']);
});

test('forced refreshes of all hubs share one quota', async (t) => {
  const { a, b, issuer, pass } = await begun('stable');
  void a.keepers.refreshNow(APPID);
  await ripple();
  t.true(issuer.fetches[1]?.force);
  await issuer.fetches[1]?.answer(given('second'));
  await pass(500);
  t.is(b.keepers.status()[0]?.forcedLeft, 19);
  // Too soon after the one of the other hub.
  void b.keepers.refreshNow(APPID);
  await ripple();
  t.false(issuer.fetches[2]?.force);
});

test('the thirty seconds between forced refreshes of two hubs begin with the end of a slow one', async (t) => {
  const { a, b, issuer, pass } = await begun('stable');
  void a.keepers.refreshNow(APPID);
  await pass(4_000);
  await issuer.fetches[1]?.answer(given('second'));
  await pass(27_000);
  void b.keepers.refreshNow(APPID);
  await ripple();
  t.false(issuer.fetches[2]?.force);
  await issuer.fetches[2]?.answer(given('second'));
  await pass(4_000);
  void b.keepers.refreshNow(APPID);
  await ripple();
  t.true(issuer.fetches[3]?.force);
  t.is(b.keepers.status()[0]?.forcedLeft, 18);
});

test('of two hubs that find the same token refused, one forces a refresh', async (t) => {
  const { a, b, issuer, pass } = await begun('stable');
  const reports = [a, b].map(({ keepers }) => keepers.report(APPID, refusal(fingerprintOf('first'), 40001)));
  for (let times = 0; times < 40; times += 1) {
    for (const { answer, force } of issuer.fetches.slice(1))
      await answer(given(force === true ? 'forced' : 'first'));
    for (const { answer } of issuer.probes) await answer({ kind: 'refused', errcode: 40001 });
    await pass(50);
  }
  t.is(issuer.fetches.filter(({ force }) => force).length, 1);
  t.deepEqual((await Promise.all(reports)).map(valueOf), ['forced', 'forced']);
});

test('without the store a refused stable token is replaced by force, and the store is updated later', async (t) => {
  const { a, b, issuer, pass } = await begun('stable');
  a.link.cut();
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 40001));
  await ripple();
  await issuer.fetches[1]?.answer(given('first'));
  await issuer.probes[0]?.answer({ kind: 'refused', errcode: 40001 });
  t.true(issuer.fetches[2]?.force);
  await issuer.fetches[2]?.answer(given('forced'));
  t.is(peek(a), 'forced');
  t.is(b.keepers.status()[0]?.forcedLeft, 20);
  a.link.mend();
  await pass(13_000);
  t.is(peek(b), 'forced');
  t.is(b.keepers.status()[0]?.forcedLeft, 19);
});

test('a hub that has never read the record of forced refreshes forces nothing', async (t) => {
  const { a, issuer, pass } = bench('stable');
  a.link.cut();
  a.keepers.start();
  await ripple();
  await issuer.fetches[0]?.answer(given('first'));
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 40001));
  await ripple();
  await issuer.fetches[1]?.answer(given('first'));
  await issuer.probes[0]?.answer({ kind: 'refused', errcode: 40001 });
  await pass(1_000);
  t.is(issuer.fetches.length, 2);
  t.like(shared(a), { refreshing: 'withheld' });
  t.is(peek(a), 'first');
});

test('a hub that stops during its fetch still publishes the token', async (t) => {
  const { a, b, issuer, pass } = await begun('classic');
  void a.keepers.report(APPID, refusal(fingerprintOf('first'), 42001));
  await ripple();
  const closing = a.keepers.close();
  await issuer.fetches[1]?.answer(given('second'));
  await pass(500);
  await closing;
  t.is(peek(b), 'second');
});

test('each mode has its own lease', async (t) => {
  const { a, b, issuer, pass, memory } = await begun('classic');
  const stable: Credentials = { appid: APPID, secret: new Secret('s'), mode: 'stable' };
  a.keepers.reconfigure([stable]);
  await ripple();
  t.is(peek(a), 'first');
  await issuer.fetches[1]?.answer(given('a stable one'));
  await pass(500);
  t.deepEqual([peek(a), peek(b)], ['a stable one', 'first']);
  t.is(memory.at(stable).record?.fingerprint, fingerprintOf('a stable one'));
  t.is(memory.at({ ...stable, mode: 'classic' }).record?.fingerprint, fingerprintOf('first'));
});
