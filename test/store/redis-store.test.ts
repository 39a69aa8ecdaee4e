import type { ExecutionContext } from 'ava';
import type { Log } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { type Keepers, makeKeepers } from '../../src/keeper/keepers.ts';
import { makeRedisStore } from '../../src/lease/redis-store.ts';
import type { TokenMode } from '../../src/token/token.ts';
import { patientClock } from '../support/patient-clock.ts';
import { type FakeIssuer, given, makeFakeIssuer } from '../support/fake-issuer.ts';
import { redisTest, RedisServer, until } from '../support/redis.ts';

const APPID = 'wx0123456789abcdef';

interface Hub {
  readonly keepers: Keepers;
  readonly issuer: FakeIssuer;
  readonly lines: string[];
  value(): string | undefined;
}

function startHub(t: ExecutionContext, url: string, mode: TokenMode, key?: string): Hub {
  const lines: string[] = [];
  const at = (event: string, fields: object = {}): void =>
    void lines.push(JSON.stringify({ event, ...fields }));
  const log: Log = { debug: at, info: at, warn: at, error: at };
  const issuer = makeFakeIssuer();
  const world = { clock: patientClock, random: systemRandom, log };
  const store = makeRedisStore({
    ...world,
    target: { url: new Secret(url), sentinels: [], cluster: false },
    keyPrefix: 'test:',
    encryptionKey: key === undefined ? undefined : new Secret(key),
    holder: 'hub',
  });
  const apps = [{ appid: APPID, secret: new Secret('s'), mode }];
  const keepers = makeKeepers({ ...world, apps, issuer, store });
  keepers.start();
  t.teardown(() => keepers.close());
  return { keepers, issuer, lines, value: () => keepers.peek(APPID)?.value.reveal() };
}

async function startFirst(t: ExecutionContext, url: string, mode: TokenMode, key: string): Promise<Hub> {
  const hub = startHub(t, url, mode, key);
  await until('it asks', () => hub.issuer.fetches.length === 1);
  await hub.issuer.fetches[0]?.answer(given('first'));
  return hub;
}

redisTest(
  'a hub with another key overwrites no live token: classic fetches nothing, stable continues alone',
  async (t) => {
    for (const mode of ['classic', 'stable'] as const) {
      const redis = await RedisServer.start(t);
      const first = await startFirst(t, redis.url(), mode, 'the key of all the others');
      const place = `test:{${mode}:${APPID}}:token`;
      await until('it is stored', async () => (await redis.client.exists(place)) === 1);
      const before = await redis.client.hgetall(place);
      const other = startHub(t, redis.url(), mode, 'a key that is another');
      await until('it says so', () =>
        other.lines.some((line) => line.includes('stored token cannot be decrypted')),
      );
      if (mode === 'classic') {
        await until('it is withheld', () => other.lines.some((line) => line.includes('token fetch blocked')));
        t.is(other.issuer.fetches.length, 0);
      } else {
        await until('it asks', () => other.issuer.fetches.length === 1);
        await other.issuer.fetches[0]?.answer(given('first'));
        t.is(other.value(), 'first');
      }
      t.like(other.keepers.status()[0], { shared: { store: 'undecryptable' } });
      t.deepEqual(await redis.client.hgetall(place), before);
      t.is(first.value(), 'first');
    }
  },
);

redisTest(
  'a token that somebody stored in clear text is not served, and the log says what to do',
  async (t) => {
    const redis = await RedisServer.start(t);
    const planted = 'token-of-another-account';
    await redis.client.hset(`test:{stable:${APPID}}:token`, {
      generation: '9000000000000000',
      fingerprint: fingerprintOf(planted),
      issued: String(Date.now()),
      expires: String(Date.now() + 7_200_000),
      value: planted,
    });
    const hub = startHub(t, redis.url(), 'stable', 'the key of all the others');
    await until('it asks', () => hub.issuer.fetches.length === 1);
    await hub.issuer.fetches[0]?.answer(given('first'));
    await until('it serves its own', () => hub.value() === 'first');
    t.is(hub.lines.filter((line) => line.includes('stored token is in clear and is not read')).length, 1);
    t.false(hub.lines.join('\n').includes(planted));
  },
);

redisTest('an unreadable password file is reported, and interrupts nothing', async (t) => {
  const hub = startHub(t, 'redis://:%E0%A4%A@127.0.0.1:1', 'stable');
  await until('it asks', () => hub.issuer.fetches.length === 1);
  await hub.issuer.fetches[0]?.answer(given('first'));
  t.is(hub.value(), 'first');
  t.true(hub.lines.some((line) => line.includes('token store cannot be used')));
  t.false(hub.lines.join('\n').includes('%E0'));
});

redisTest('a hub that starts before its Redis gets its token from the others once it is there', async (t) => {
  const redis = await RedisServer.start(t);
  await startFirst(t, redis.url(), 'classic', 'the key of all the others');
  redis.pause();
  const late = startHub(t, redis.url(), 'classic', 'the key of all the others');
  await until('it is withheld', () => late.lines.some((line) => line.includes('token fetch blocked')));
  redis.resume();
  await until('it has it', () => late.value() === 'first');
  t.is(late.issuer.fetches.length, 0);
});
