import { writeFileSync } from 'node:fs';
import test from 'ava';
import { makeKubernetesApi } from '../../src/kubernetes/api.ts';
import { REVIEW_LIMITS, TokenReviews, UNKNOWN_LANE, type Review } from '../../src/kubernetes/token-review.ts';
import {
  genuine,
  startReviewServer,
  type ReviewAnswer,
  type TestReviewServer,
} from '../support/review-server.ts';
import { fakeJwt } from '../support/hub-credentials.ts';
import { ManualClock } from '../support/manual-clock.ts';
import type { Teardown } from '../support/simulator.ts';

const AUDIENCE = 'wechat-sidecar-hub';
const ORDERS = 'system:serviceaccount:shop:orders';
const NOW_MS = 1_700_000_000_000;
const IN_AN_HOUR_S = NOW_MS / 1_000 + 3_600;

interface Bench {
  readonly server: TestReviewServer;
  readonly reviews: TokenReviews;
  /** Of a token that comes from one address. */
  readonly review: (token: string, peer?: string) => Promise<Review>;
  readonly clock: ManualClock;
}

async function bench(t: Teardown): Promise<Bench> {
  const server = await startReviewServer(t);
  const clock = new ManualClock(NOW_MS);
  const api = makeKubernetesApi(server.access, clock);
  t.teardown(() => api.close());
  const reviews = new TokenReviews({
    api,
    audience: AUDIENCE,
    clock,
    expects: ({ namespace }) => namespace === 'shop',
    rememberedMax: 50,
  });
  server.decide = () => genuine(ORDERS, [AUDIENCE]);
  const review = (token: string, peer = '10.0.0.1'): Promise<Review> => reviews.review(token, peer);
  return { server, reviews, review, clock };
}

function jwt(changes: Partial<Parameters<typeof fakeJwt>[0]> = {}): string {
  return fakeJwt({ sub: ORDERS, aud: [AUDIENCE], expUnixS: IN_AN_HOUR_S, ...changes });
}

test('the API server is asked with our audience and our own token, and returns the name', async (t) => {
  const { server, review, clock } = await bench(t);
  const token = jwt();
  t.deepEqual(await review(token), {
    kind: 'genuine',
    account: { namespace: 'shop', name: 'orders', pod: 'orders-1' },
    endsAtMs: clock.monotonicMs() + 3_600_000,
  });
  const [asked] = server.reviews;
  t.is(asked?.path, '/apis/authentication.k8s.io/v1/tokenreviews');
  t.is(asked?.authorization, 'Bearer the-token-of-the-hub');
  t.is(asked?.token, token);
  t.deepEqual(asked?.audiences, [AUDIENCE]);
});

test('our own token is read from its file for each review', async (t) => {
  const { server, review } = await bench(t);
  await review(jwt());
  writeFileSync(server.access.tokenFile, 'the-next-token');
  await review(jwt({ salt: 'another' }));
  t.is(server.reviews[1]?.authorization, 'Bearer the-next-token');
});

test('anything that cannot be a token for us is refused without a review', async (t) => {
  const { server, review } = await bench(t);
  const hopeless = [
    '',
    'a-key',
    'a.b.c',
    `${jwt()}.x`,
    `h.${Buffer.from('[]').toString('base64url')}.s`,
    jwt({ aud: 'https://kubernetes.default.svc' }),
    jwt({ aud: [] }),
    jwt({ sub: 'system:serviceaccount:elsewhere:orders' }),
    jwt({ sub: 'system:admin' }),
    jwt({ expUnixS: NOW_MS / 1_000 - 90_000 }),
    `${jwt()}${'A'.repeat(20_000)}`,
  ];
  for (const token of hopeless) t.is((await review(token)).kind, 'refused', token.slice(0, 60));
  t.is(server.reviews.length, 0);
});

test('a response for another audience or account than that of the token is not accepted', async (t) => {
  const { server, review } = await bench(t);
  const answers = [
    genuine(ORDERS, ['https://kubernetes.default.svc']),
    genuine(ORDERS, []),
    genuine('system:serviceaccount:elsewhere:orders', [AUDIENCE]),
    genuine('system:admin', [AUDIENCE]),
    { review: { authenticated: false, error: 'no' } },
    { review: { user: { username: ORDERS }, audiences: [AUDIENCE] } },
  ];
  for (const [index, answer] of answers.entries()) {
    server.decide = () => answer;
    t.is((await review(jwt({ salt: `${index}` }))).kind, 'refused', `${index}`);
  }
  t.is(server.reviews.length, answers.length);
});

test('an acceptance is cached for a minute, a refusal for ten seconds, and a failure not at all', async (t) => {
  const { server, review, clock } = await bench(t);
  await review(jwt());
  clock.advance(59_000);
  await review(jwt());
  t.is(server.reviews.length, 1);

  server.decide = () => ({ review: { authenticated: false } });
  await review(jwt({ salt: 'no' }));
  clock.advance(9_000);
  t.is((await review(jwt({ salt: 'no' }))).kind, 'refused');
  t.is(server.reviews.length, 2);
  clock.advance(2_000);
  await review(jwt({ salt: 'no' }));
  t.is(server.reviews.length, 3);

  server.decide = () => ({ status: 500, text: 'secret words of the server' });
  const unavailable = await review(jwt({ salt: 'trouble' }));
  t.is(unavailable.kind, 'unavailable');
  t.false(JSON.stringify(unavailable).includes('secret words'));
  await review(jwt({ salt: 'trouble' }));
  t.is(server.reviews.length, 5);
});

test('an accepted credential stays accepted while it is reviewed again, once', async (t) => {
  const { server, review, clock } = await bench(t);
  await review(jwt());
  let answer: ((review: ReviewAnswer) => void) | undefined;
  server.decide = () => new Promise((resolve) => (answer = resolve));
  clock.advance(61_000);
  for (let n = 0; n < 5; n += 1) t.is((await review(jwt())).kind, 'genuine');
  await untilAsked(server, 2);
  answer?.(genuine(ORDERS, [AUDIENCE]));
  await untilSettled(async () => (await review(jwt())).kind === 'genuine' && server.reviews.length === 2);
  clock.advance(59_000);
  t.is((await review(jwt())).kind, 'genuine');
  t.is(server.reviews.length, 2);
});

test('a revoked credential ends with the next review, after a minute', async (t) => {
  const { server, review, clock } = await bench(t);
  await review(jwt());
  server.decide = () => ({ review: { authenticated: false } });
  clock.advance(REVIEW_LIMITS.freshMsMax + 1);
  t.is((await review(jwt())).kind, 'genuine');
  await untilSettled(async () => (await review(jwt())).kind === 'refused');
  t.is(server.reviews.length, 2);
});

test('while the API server does not respond, an accepted credential stays accepted for five minutes', async (t) => {
  const { server, review, clock } = await bench(t);
  await review(jwt());
  server.decide = () => ({ status: 500, text: '{}' });
  clock.advance(REVIEW_LIMITS.freshMsMax + 1);
  t.is((await review(jwt())).kind, 'genuine');
  await untilAsked(server, 2);
  clock.advance(REVIEW_LIMITS.staleMsMax - REVIEW_LIMITS.freshMsMax - 2);
  t.is((await review(jwt())).kind, 'genuine');
  clock.advance(2);
  await untilSettled(async () => (await review(jwt())).kind === 'unavailable');
});

test('an acceptance is not cached beyond the expiry of the token', async (t) => {
  const { server, review, clock } = await bench(t);
  const brief = jwt({ expUnixS: NOW_MS / 1_000 + 20 });
  await review(brief);
  clock.advance(19_000);
  await review(brief);
  t.is(server.reviews.length, 1);
  clock.advance(2_000);
  server.decide = () => ({ review: { authenticated: false } });
  t.is((await review(brief)).kind, 'refused');
});

test('a flood of invalid credentials does not evict accepted ones', async (t) => {
  const { server, review } = await bench(t);
  await review(jwt());
  server.decide = () => ({ review: { authenticated: false } });
  for (let round = 0; round < 5; round++) {
    const junk = Array.from({ length: 100 }, (_, index) => jwt({ salt: `junk ${round} ${index}` }));
    await Promise.all(junk.map((token) => review(token)));
  }
  const before = server.reviews.length;
  t.is((await review(jwt())).kind, 'genuine');
  t.is(server.reviews.length, before);
});

test('at most sixteen unknown credentials are reviewed at a time, each only once, and the others wait', async (t) => {
  const { server, review } = await bench(t);
  const held: (() => void)[] = [];
  server.decide = () => new Promise((resolve) => held.push(() => resolve(genuine(ORDERS, [AUDIENCE]))));
  const tokens = Array.from({ length: 80 }, (_, index) => jwt({ salt: `${index % 40}` }));
  let done = 0;
  const all = Promise.all(
    tokens.map((token, index) => review(token, `10.0.0.${index % 4}`).finally(() => (done += 1))),
  );
  await untilAsked(server, UNKNOWN_LANE.inFlightMax);
  while (done < tokens.length) {
    held.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.deepEqual([...new Set((await all).map(({ kind }) => kind))], ['genuine']);
  t.is(server.reviews.length, 40);
  t.is(server.inFlightMax, UNKNOWN_LANE.inFlightMax);
});

test('a review that waits too long for its turn is reported as unavailable', async (t) => {
  const { server, review, clock } = await bench(t);
  server.decide = () => new Promise(() => undefined);
  const asked = Array.from({ length: 20 }, (_, index) => review(jwt({ salt: `${index}` })));
  await untilAsked(server, 8);
  clock.advance(2_001);
  t.deepEqual([...new Set((await Promise.all(asked)).map(({ kind }) => kind))], ['unavailable']);
});

test('invalid credentials from one address get half of the reviews and of the queue, and delay nobody else', async (t) => {
  const { server, review } = await bench(t);
  await review(jwt({ salt: 'known' }));
  let letGo = (): void => {};
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  server.decide = async ({ token }) => {
    if (token === jwt()) return genuine(ORDERS, [AUDIENCE]);
    await gate;
    return { review: { authenticated: false } };
  };
  const junk = Array.from({ length: 600 }, (_, index) => review(jwt({ salt: `${index}` }), '10.9.9.9'));
  await untilAsked(server, 9);
  t.is((await review(jwt())).kind, 'genuine');
  t.is(server.reviews.length, 10);
  t.is((await review(jwt({ salt: 'known' }), '10.9.9.9')).kind, 'genuine');
  letGo();
  const kinds = (await Promise.all(junk)).map(({ kind }) => kind);
  // Eight were asked about, half of the thousand waited, and the earliest of the others gave way to them.
  t.is(kinds.filter((kind) => kind === 'refused').length, 508);
  t.deepEqual([...new Set(kinds.slice(8, 100))], ['unavailable']);
});

test('of one address the latest credential is reviewed first', async (t) => {
  const { server, review } = await bench(t);
  const held: (() => void)[] = [];
  server.decide = () => new Promise((resolve) => held.push(() => resolve(genuine(ORDERS, [AUDIENCE]))));
  const all = Array.from({ length: 20 }, (_, index) => review(jwt({ salt: `${index}` })));
  await untilAsked(server, 8);
  held.shift()?.();
  await untilAsked(server, 9);
  t.is(server.reviews.at(-1)?.token, jwt({ salt: '19' }));
  while (server.reviews.length < 20 || held.length > 0) {
    held.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.is((await Promise.all(all)).length, 20);
});

async function untilAsked(server: TestReviewServer, count: number): Promise<void> {
  while (server.reviews.length < count) await new Promise((resolve) => setImmediate(resolve));
}

async function untilSettled(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
