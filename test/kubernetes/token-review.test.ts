import { writeFileSync } from 'node:fs';
import test from 'ava';
import { makeKubernetesApi } from '../../src/kubernetes/api.ts';
import { TokenReviews, type Review } from '../../src/kubernetes/token-review.ts';
import { genuine, startReviewServer, type TestReviewServer } from '../support/review-server.ts';
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
  return { server, reviews, clock };
}

function jwt(changes: Partial<Parameters<typeof fakeJwt>[0]> = {}): string {
  return fakeJwt({ sub: ORDERS, aud: [AUDIENCE], expUnixS: IN_AN_HOUR_S, ...changes });
}

test('the API server is asked with our audience and our own token, and its word is the name', async (t) => {
  const { server, reviews, clock } = await bench(t);
  const token = jwt();
  const review = await reviews.review(token);
  t.deepEqual(review, {
    kind: 'genuine',
    account: { namespace: 'shop', name: 'orders', pod: 'orders-1' },
    endsAtMs: clock.lifeMs() + 3_600_000,
  });
  const [asked] = server.reviews;
  t.is(asked?.path, '/apis/authentication.k8s.io/v1/tokenreviews');
  t.is(asked?.authorization, 'Bearer the-token-of-the-hub');
  t.is(asked?.token, token);
  t.deepEqual(asked?.audiences, [AUDIENCE]);
});

test('our own token is read afresh for each review', async (t) => {
  const { server, reviews } = await bench(t);
  await reviews.review(jwt());
  writeFileSync(server.access.tokenFile, 'the-next-token');
  await reviews.review(jwt({ salt: 'another' }));
  t.is(server.reviews[1]?.authorization, 'Bearer the-next-token');
});

test('what cannot be a token for us is refused without a question', async (t) => {
  const { server, reviews } = await bench(t);
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
  for (const token of hopeless) t.is((await reviews.review(token)).kind, 'refused', token.slice(0, 60));
  t.is(server.reviews.length, 0);
});

test('an answer for another audience or account than the token names lets nobody in', async (t) => {
  const { server, reviews } = await bench(t);
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
    t.is((await reviews.review(jwt({ salt: `${index}` }))).kind, 'refused', `${index}`);
  }
  t.is(server.reviews.length, answers.length);
});

test('yes is remembered for a minute, no for ten seconds, and trouble not at all', async (t) => {
  const { server, reviews, clock } = await bench(t);
  await reviews.review(jwt());
  clock.advance(59_000);
  await reviews.review(jwt());
  t.is(server.reviews.length, 1);
  clock.advance(2_000);
  await reviews.review(jwt());
  t.is(server.reviews.length, 2);

  server.decide = () => ({ review: { authenticated: false } });
  await reviews.review(jwt({ salt: 'no' }));
  clock.advance(9_000);
  t.is((await reviews.review(jwt({ salt: 'no' }))).kind, 'refused');
  t.is(server.reviews.length, 3);
  clock.advance(2_000);
  await reviews.review(jwt({ salt: 'no' }));
  t.is(server.reviews.length, 4);

  server.decide = () => ({ status: 500, text: 'secret words of the server' });
  const unavailable = await reviews.review(jwt({ salt: 'trouble' }));
  t.is(unavailable.kind, 'unavailable');
  t.false(JSON.stringify(unavailable).includes('secret words'));
  await reviews.review(jwt({ salt: 'trouble' }));
  t.is(server.reviews.length, 6);
});

test('yes is not remembered beyond the end of the token', async (t) => {
  const { server, reviews, clock } = await bench(t);
  const brief = jwt({ expUnixS: NOW_MS / 1_000 + 20 });
  await reviews.review(brief);
  clock.advance(19_000);
  await reviews.review(brief);
  t.is(server.reviews.length, 1);
  clock.advance(2_000);
  server.decide = () => ({ review: { authenticated: false } });
  t.is((await reviews.review(brief)).kind, 'refused');
});

test('a flood of junk does not push out those who are known to be good', async (t) => {
  const { server, reviews } = await bench(t);
  await reviews.review(jwt());
  server.decide = () => ({ review: { authenticated: false } });
  for (let round = 0; round < 5; round++) {
    const junk = Array.from({ length: 100 }, (_, index) => jwt({ salt: `junk ${round} ${index}` }));
    await Promise.all(junk.map((token) => reviews.review(token)));
  }
  const before = server.reviews.length;
  t.is((await reviews.review(jwt())).kind, 'genuine');
  t.is(server.reviews.length, before);
});

test('at most sixteen reviews are in flight, the same token is asked about once, and the others wait', async (t) => {
  const { server, reviews } = await bench(t);
  const held: (() => void)[] = [];
  server.decide = () => new Promise((resolve) => held.push(() => resolve(genuine(ORDERS, [AUDIENCE]))));
  const tokens = Array.from({ length: 40 }, (_, index) => jwt({ salt: `${index % 20}` }));
  let done = 0;
  const all = Promise.all(tokens.map((token) => reviews.review(token).finally(() => (done += 1))));
  while (done < tokens.length) {
    held.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.deepEqual([...new Set((await all).map((review: Review) => review.kind))], ['genuine']);
  t.is(server.reviews.length, 20);
  t.true(server.inFlightMax <= 16);
});

test('whoever waits too long for a turn is told that it cannot be found out now', async (t) => {
  const { server, reviews, clock } = await bench(t);
  server.decide = () => new Promise(() => undefined);
  const asked = Array.from({ length: 20 }, (_, index) => reviews.review(jwt({ salt: `${index}` })));
  while (server.reviews.length < 16) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(2_001);
  t.deepEqual([...new Set((await Promise.all(asked)).map((review) => review.kind))], ['unavailable']);
});

test('junk from one address waits for a narrow way, and holds up nobody else', async (t) => {
  const { server, reviews } = await bench(t);
  let letGo = (): void => {};
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  server.decide = async ({ token }) => {
    if (token === jwt()) return genuine(ORDERS, [AUDIENCE]);
    await gate;
    return { review: { authenticated: false } };
  };
  const junk = Array.from({ length: 100 }, (_, index) => reviews.review(jwt({ salt: `${index}` }), true));
  while (server.reviews.length < 2) await new Promise((resolve) => setImmediate(resolve));
  t.is((await reviews.review(jwt())).kind, 'genuine');
  t.is(server.reviews.length, 3);
  // Who is known to be good is so from there too.
  t.is((await reviews.review(jwt(), true)).kind, 'genuine');
  letGo();
  const kinds = (await Promise.all(junk)).map(({ kind }) => kind);
  t.is(kinds.filter((kind) => kind === 'refused').length, 52);
  t.is(kinds.filter((kind) => kind === 'unavailable').length, 48);
});
