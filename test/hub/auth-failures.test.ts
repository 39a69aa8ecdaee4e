import { request } from 'node:http';
import test from 'ava';
import fc from 'fast-check';
import { AuthFailures } from '../../src/hub/auth-failures.ts';
import { networkOf } from '../../src/server/peer.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ORDERS_KEY, REPORTS_KEY, startHubPair, type RunningHub } from '../support/hub.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ask, type Reply } from '../support/simulator-client.ts';

const APP = `/v1/apps/${DEMO_APP.appid}`;

/** One guess on each route, by its number. */
const DOORS: readonly (readonly [door: string, guess: (hub: RunningHub, key: string) => Promise<Reply>])[] = [
  ['the API', (hub, key) => hub.call('/v1/apps', {}, key)],
  ['a call about an account', (hub, key) => hub.call(`${APP}/token`, {}, key)],
  ['the watch', (hub, key) => hub.call('/v1/tokens/watch?appid=wxnone', {}, key)],
  [
    'a call with a body',
    (hub, key) => hub.call(`${APP}/relay`, { body: { method: 'GET', path: '/sns/jscode2session' } }, key),
  ],
  [
    "the platform's token endpoint",
    (hub, key) => {
      const query = `grant_type=client_credential&appid=${DEMO_APP.appid}&secret=${key}`;
      return hub.call(`/cgi-bin/token?${query}`, {}, null);
    },
  ],
  [
    "the platform's stable endpoint",
    (hub, key) => {
      const body = { grant_type: 'client_credential', appid: DEMO_APP.appid, secret: key };
      return hub.call('/cgi-bin/stable_token', { body }, null);
    },
  ],
  [
    'the page',
    (hub, key) =>
      ask(`${hub.base}/login`, {
        method: 'POST',
        body: new URLSearchParams({ key }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: hub.base },
      }),
  ],
];

for (const [door, guess] of DOORS) {
  test(`on ${door} guesses are limited, but valid keys from the same address are not`, async (t) => {
    const { hub } = await startHubPair(t);
    const answers: Reply[] = [];
    for (let index = 0; index < 30; index += 1) {
      answers.push(await guess(hub, `a-wrong-key-${index}-0123456789abcdef`));
      // An empty relay request is a bad request, so neither of the two.
      const honest = (await guess(hub, ORDERS_KEY)).status;
      t.false([401, 429].includes(honest), `${index}: ${honest}`);
    }
    const limited = answers.filter(({ status }) => status === 429);
    t.true(limited.length >= 15, `${limited.length}`);
    t.true(answers.slice(0, 10).every(({ status }) => status !== 429));
    t.true(limited.every(({ body }) => !body.includes('wrong-key')));
    const log = hub.lines.join('');
    t.true(log.includes('"reason":"too_many_failures"'));
    t.false(log.includes('wrong-key'));
    t.true(hub.lines.length < 100);
  });
}

test('guesses on all routes count together, and the response says how long to wait', async (t) => {
  const { hub } = await startHubPair(t);
  for (let index = 0; index < 10; index += 1) {
    const [, guess] = DOORS[index % DOORS.length] ?? [];
    await guess?.(hub, `a-wrong-key-${index}`);
  }
  const answer = await hub.call('/v1/apps', {}, 'one-more-wrong-key');
  t.is(answer.status, 429);
  t.like(answer.json(), { type: 'urn:wechat-sidecar:problem:too_many_failures', status: 429 });
  t.true(Number(answer.headers['retry-after']) >= 1);
  const query = `grant_type=client_credential&appid=${DEMO_APP.appid}&secret=wrong`;
  const inPlatformShape = await hub.call(`/cgi-bin/token?${query}`, {}, null);
  t.is(inPlatformShape.status, 429);
  t.is(inPlatformShape.json()['errcode'], 45011);
  t.true(Number(inPlatformShape.headers['retry-after']) >= 1);
  t.is((await hub.call('/v1/apps', {}, REPORTS_KEY)).status, 200);
});

test('a call without a credential does not count as a guess', async (t) => {
  const { hub } = await startHubPair(t);
  for (let index = 0; index < 30; index += 1) t.is((await hub.call('/v1/apps', {}, null)).status, 401);
  t.is((await hub.call('/v1/apps', {}, 'wrong')).status, 401);
});

test('each address has its own limit', async (t) => {
  const { hub } = await startHubPair(t);
  for (let index = 0; index < 15; index += 1) await hub.call('/v1/apps', {}, `wrong-${index}`);
  t.is((await hub.call('/v1/apps', {}, 'wrong')).status, 429);
  const elsewhere = await new Promise<number | undefined>((resolve, reject) => {
    request(`${hub.base}/v1/apps`, { localAddress: '127.0.0.2', headers: { authorization: 'Bearer wrong' } })
      .on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on('error', reject)
      .end();
  });
  t.is(elsewhere, 401);
});

test('an address that guessed too often gets new attempts after a while', (t) => {
  const clock = new ManualClock();
  const guesses = new AuthFailures(clock);
  for (let index = 0; index < 10; index += 1) t.is(guesses.failed('10.0.0.1'), 0);
  t.is(guesses.failed('10.0.0.1'), 6_000);
  t.is(guesses.failed('10.0.0.2'), 0);
  clock.advance(6_000);
  t.is(guesses.failed('10.0.0.1'), 0);
  t.true(guesses.failed('10.0.0.1') > 0);
});

test('a million addresses use no more memory than ten thousand', (t) => {
  const guesses = new AuthFailures(new ManualClock());
  for (let index = 0; index < 50_000; index += 1)
    guesses.failed(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
  // The oldest ones are forgotten, which only makes us more lenient.
  for (let index = 0; index < 10; index += 1) t.is(guesses.failed('10.0.0.0'), 0);
});

test('all addresses of one IPv6 network count as one, however they are written', (t) => {
  const group = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(
      fc.array(group, { minLength: 8, maxLength: 8 }),
      fc.array(group, { minLength: 4, maxLength: 4 }),
      (one, other) => {
        const hex = (groups: readonly number[]): string[] => groups.map((value) => value.toString(16));
        const expected = hex(one.slice(0, 4)).join(':');
        t.is(networkOf(hex(one).join(':')), expected);
        t.is(
          networkOf(
            hex([...one.slice(0, 4), ...other])
              .join(':')
              .toUpperCase(),
          ),
          expected,
        );
        // As a socket writes it: the longest run of zeros is omitted.
        t.is(networkOf(new URL(`http://[${hex(one).join(':')}]`).hostname.slice(1, -1)), expected);
      },
    ),
  );
  t.is(networkOf('fe80::1%eth0'), 'fe80:0:0:0');
  t.is(networkOf('::1'), '0:0:0:0');
  t.is(networkOf('64:ff9b::1.2.3.4'), '64:ff9b:0:0');
  t.is(networkOf('10.0.0.1'), '10.0.0.1');
});
