import type { ExecutionContext } from 'ava';
import { type Log, silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { RedisRecords } from '../../src/store/redis-records.ts';
import type { RedisTarget } from '../../src/store/redis-client.ts';
import { makeTokenCipher } from '../../src/store/cipher.ts';
import type { StoreUnavailable, SharedRecord, Snapshot, Acquired } from '../../src/store/shared-records.ts';
import { patientClock } from '../support/patient-clock.ts';
import { serialRedisTest, RedisServer, until } from '../support/redis.ts';
import { documentedRights } from '../support/redis-rights.ts';

const ACCOUNT = { appid: 'wx0123456789abcdef', mode: 'classic' } as const;

const RIGHTS = documentedRights();

interface Options {
  readonly key?: string;
  readonly log?: Log;
  readonly target?: Partial<Omit<RedisTarget, 'url'>>;
}

function open(
  t: ExecutionContext,
  url: string,
  { key, log = silentLog, target }: Options = {},
): RedisRecords {
  const records = new RedisRecords({
    target: { url: new Secret(url), sentinels: [], cluster: false, ...target },
    keyPrefix: 'test:',
    cipher: makeTokenCipher(key === undefined ? undefined : new Secret(key)),
    clock: patientClock,
    random: systemRandom,
    log,
  });
  t.teardown(() => records.close());
  return records;
}

function record(value: string, generation: number): SharedRecord {
  const nowMs = Date.now();
  return {
    generation,
    value: new Secret(value),
    fingerprint: fingerprintOf(value),
    issuedAtUnixMs: nowMs,
    expiresAtUnixMs: nowMs + 7_200_000,
  };
}

function seen<Kind extends Snapshot | Acquired>(it: Kind | StoreUnavailable): Kind {
  if (it.kind === 'unavailable') throw new Error('the store is away');
  return it;
}

serialRedisTest(
  'a lease has one owner until it is released, and its generation exceeds all previous ones',
  async (t) => {
    const redis = await RedisServer.start(t);
    const [one, other] = [open(t, redis.url()), open(t, redis.url())];
    const mine = seen(await one.acquire(ACCOUNT, 'one/1', 0, 60_000));
    t.true((mine.generation ?? 0) >= mine.nowUnixMs);
    t.like(mine, { lease: { isOurs: true }, owner: 'one' });
    const theirs = seen(await other.acquire(ACCOUNT, 'other/1', 0, 8_000));
    t.is(theirs.generation, undefined);
    t.like(theirs, { lease: { isOurs: false }, owner: 'one' });
    t.true((theirs.lease?.leftMs ?? 0) > 30_000);
    await other.release(ACCOUNT, 'other/1');
    t.is(seen(await other.acquire(ACCOUNT, 'other/1', 0, 8_000)).generation, undefined);
    await one.release(ACCOUNT, 'one/1');
    const next = seen(await other.acquire(ACCOUNT, 'other/1', 9e15, 8_000));
    t.is(next.generation, 9e15 + 1);
  },
);

serialRedisTest('a lease expires unless it is renewed', async (t) => {
  const redis = await RedisServer.start(t);
  const [one, other] = [open(t, redis.url()), open(t, redis.url())];
  await one.acquire(ACCOUNT, 'one/1', 0, 50);
  t.is(await one.renew(ACCOUNT, 'one/1', 60_000), 'ours');
  t.is(await other.renew(ACCOUNT, 'other/1', 60_000), 'lost');
  await redis.client.flushall();
  t.is(await one.renew(ACCOUNT, 'one/1', 50), 'ours');
  await until('the turn ends', async () => {
    return seen(await other.acquire(ACCOUNT, 'other/1', 0, 60_000)).generation !== undefined;
  });
  t.is(await one.renew(ACCOUNT, 'one/1', 60_000), 'lost');
});

serialRedisTest(
  'an older token never replaces a later one, and a later one is published to all',
  async (t) => {
    const redis = await RedisServer.start(t);
    const [one, other] = [open(t, redis.url()), open(t, redis.url())];
    const told: string[] = [];
    let isListening = 0;
    other.listen({
      changed: (it) => told.push(`${it.mode} ${it.appid}`),
      connected: () => (isListening += 1),
      disconnected() {},
    });
    // Once for the commands, once for the messages.
    await until('it listens', () => isListening === 2);
    t.is(await one.publish(ACCOUNT, record('later', 20)), 'stored');
    t.is(await one.publish(ACCOUNT, record('earlier', 10)), 'older');
    t.is(await one.publish(ACCOUNT, record('of the same generation', 20)), 'older');
    await until('it is told', () => told.length > 0);
    t.deepEqual(told, ['classic wx0123456789abcdef']);
    const found = seen(await other.read(ACCOUNT));
    t.is(found.readable?.value.reveal(), 'later');
    t.is(found.readable?.generation, 20);
    t.is(seen(await other.read({ ...ACCOUNT, mode: 'stable' })).readable, undefined);
  },
);

serialRedisTest(
  'a record that was published after the lease began makes the next generation even higher',
  async (t) => {
    const redis = await RedisServer.start(t);
    const one = open(t, redis.url());
    await one.publish(ACCOUNT, record('of a clock that is ahead', 8e15));
    t.is(seen(await one.acquire(ACCOUNT, 'one/1', 0, 8_000)).generation, 8e15 + 1);
  },
);

serialRedisTest('forced refreshes are remembered for a day', async (t) => {
  const redis = await RedisServer.start(t);
  const one = open(t, redis.url());
  const nowMs = Date.now();
  t.true(await one.addForced(ACCOUNT, [nowMs - 25 * 3_600_000, nowMs - 1_000]));
  t.true(await one.addForced(ACCOUNT, [nowMs]));
  t.deepEqual(seen(await one.read(ACCOUNT)).forcedAtUnixMs, [nowMs - 1_000, nowMs]);
});

serialRedisTest(
  'with a key no token in Redis is in clear text, and without the key none can be read',
  async (t) => {
    const redis = await RedisServer.start(t);
    const sealing = open(t, redis.url(), { key: 'a key of sixteen or more' });
    await sealing.publish(ACCOUNT, record('the-token-itself', 20));
    const [key = ''] = await redis.client.keys('*:token');
    t.false(JSON.stringify(await redis.client.hgetall(key)).includes('the-token-itself'));
    t.is(seen(await sealing.read(ACCOUNT)).readable?.value.reveal(), 'the-token-itself');
    for (const other of [open(t, redis.url(), { key: 'another key of sixteen' }), open(t, redis.url())]) {
      t.like(await other.read(ACCOUNT), {
        isUndecryptable: true,
        isInClear: false,
        readable: undefined,
        record: { generation: 20 },
      });
    }
    // What was written without the key may have been written by anyone.
    await open(t, redis.url()).publish(ACCOUNT, record('planted', 30));
    t.like(await sealing.read(ACCOUNT), { isUndecryptable: true, isInClear: true, readable: undefined });
  },
);

serialRedisTest(
  'an encrypted record can be decrypted only for its own account, mode, generation and lifetime',
  async (t) => {
    const redis = await RedisServer.start(t);
    const one = open(t, redis.url(), { key: 'a key of sixteen or more' });
    await one.publish(ACCOUNT, record('the-token-itself', 20));
    const stored = await redis.client.hgetall(`test:{${ACCOUNT.mode}:${ACCOUNT.appid}}:token`);
    const later = String(Number(stored['expires']) + 3_600_000);
    for (const [account, changes] of [
      [{ ...ACCOUNT, appid: 'wx2' }, {}],
      [{ ...ACCOUNT, mode: 'stable' as const }, {}],
      [ACCOUNT, { generation: '30' }],
      [ACCOUNT, { expires: later }],
      [ACCOUNT, { fingerprint: fingerprintOf('another') }],
    ] as const) {
      await redis.client.hset(`test:{${account.mode}:${account.appid}}:token`, { ...stored, ...changes });
      t.like(await one.read(account), { isUndecryptable: true, isInClear: false, readable: undefined });
    }
  },
);

serialRedisTest('all keys of an account are in one slot of a Cluster, and have the prefix', async (t) => {
  const redis = await RedisServer.start(t);
  const one = open(t, redis.url());
  await one.acquire(ACCOUNT, 'one/1', 0, 8_000);
  await one.publish(ACCOUNT, record('a', 20));
  await one.addForced(ACCOUNT, [Date.now()]);
  const keys = await redis.client.keys('*');
  t.deepEqual(keys.toSorted(), [
    'test:{classic:wx0123456789abcdef}:forced',
    'test:{classic:wx0123456789abcdef}:token',
    'test:{classic:wx0123456789abcdef}:turn',
  ]);
  for (const key of keys) t.true((await redis.client.pttl(key)) > 0, key);
});

serialRedisTest(
  'a Redis that hangs is unavailable after a second, and available when it responds again',
  async (t) => {
    const redis = await RedisServer.start(t);
    const told: string[] = [];
    const one = open(t, redis.url());
    one.listen({
      changed() {},
      connected: () => told.push('back'),
      disconnected: () => told.push('unavailable'),
    });
    t.is((await one.read(ACCOUNT)).kind, 'seen');
    redis.pause();
    const startMs = performance.now();
    t.is((await one.read(ACCOUNT)).kind, 'unavailable');
    t.true(performance.now() - startMs < 10_000);
    // It is not waited for twice.
    const again = performance.now();
    for (let times = 0; times < 20; times += 1) t.is((await one.read(ACCOUNT)).kind, 'unavailable');
    t.true(performance.now() - again < 10_000);
    told.length = 0;
    redis.resume();
    await until('it is back', () => told.includes('back'));
    t.is((await one.read(ACCOUNT)).kind, 'seen');
  },
);

serialRedisTest('a Redis that was restarted is used again, including its scripts', async (t) => {
  const redis = await RedisServer.start(t);
  const one = open(t, redis.url());
  await one.publish(ACCOUNT, record('a', 20));
  await redis.kill();
  await until('it is away', async () => (await one.read(ACCOUNT)).kind === 'unavailable');
  await redis.restart();
  await until('it is back', async () => (await one.read(ACCOUNT)).kind === 'seen');
  t.is(seen(await one.read(ACCOUNT)).readable, undefined);
  t.is(await one.publish(ACCOUNT, record('a', 20)), 'stored');
});

serialRedisTest('a wrong password is named in the log, without the password', async (t) => {
  const redis = await RedisServer.start(t, {
    args: ['--requirepass', 'right-password'],
    userInfo: ':right-password',
  });
  const lines: string[] = [];
  const at = (event: string, fields: object = {}): void =>
    void lines.push(JSON.stringify({ event, ...fields }));
  const log: Log = { debug: at, info: at, warn: at, error: at };
  const one = open(t, redis.url(':wrong-password'), { log });
  t.is((await one.read(ACCOUNT)).kind, 'unavailable');
  await until('it is told', () => lines.some((line) => line.includes('WRONGPASS')));
  t.false(lines.join('\n').includes('wrong-password'));
  t.is((await open(t, redis.url(':right-password')).read(ACCOUNT)).kind, 'seen');
});

serialRedisTest(
  'a database that Redis does not have, or that the user may not select, is not used',
  async (t) => {
    const redis = await RedisServer.start(t, { args: ['--databases', '2'] });
    await redis.client.call('ACL', 'SETUSER', 'hub', 'on', '>hub-password', ...RIGHTS, '-select');
    for (const url of [`${redis.url()}/2`, `${redis.url('hub:hub-password')}/1`]) {
      const lines: string[] = [];
      const error = (event: string, fields: object = {}): void =>
        void lines.push(JSON.stringify({ event, ...fields }));
      const one = open(t, url, { log: { ...silentLog, error } });
      t.is((await one.read(ACCOUNT)).kind, 'unavailable');
      t.is(await one.publish(ACCOUNT, record('a', 20)), 'unavailable');
      t.is(lines.length, 1);
      t.regex(lines[0] ?? '', /token store cannot be used.*SELECT.*database/);
    }
    t.is(await redis.client.dbsize(), 0);
    t.is((await open(t, `${redis.url()}/1`).read(ACCOUNT)).kind, 'seen');
  },
);

serialRedisTest('a right to select that is given later is noticed', async (t) => {
  const redis = await RedisServer.start(t);
  await redis.client.call('ACL', 'SETUSER', 'hub', 'on', '>hub-password', ...RIGHTS, '-select');
  const one = open(t, `${redis.url('hub:hub-password')}/1`);
  t.is((await one.read(ACCOUNT)).kind, 'unavailable');
  await redis.client.call('ACL', 'SETUSER', 'hub', '+select');
  await until('it is there', async () => (await one.read(ACCOUNT)).kind === 'seen');
  await one.addForced(ACCOUNT, [Date.now()]);
  t.is(await redis.client.dbsize(), 0);
});

serialRedisTest('the documented rights are enough for every step, in a database other than 0', async (t) => {
  const redis = await RedisServer.start(t);
  await redis.client.call('ACL', 'SETUSER', 'hub', 'on', '>hub-password', ...RIGHTS);
  const url = `${redis.url('hub:hub-password')}/3`;
  const lines: string[] = [];
  const warn = (event: string, fields: object = {}): void =>
    void lines.push(JSON.stringify({ event, ...fields }));
  const one = open(t, url, { log: { ...silentLog, warn, error: warn } });
  let isListening = 0;
  const told: string[] = [];
  one.listen({
    changed: (it) => told.push(it.appid),
    connected: () => (isListening += 1),
    disconnected() {},
  });
  await until('it listens', () => isListening === 2);
  // What another clock has written is settled too.
  await redis.client.select(3);
  const aheadMs = Date.now() + 600_000;
  await redis.client.zadd(`test:{${ACCOUNT.mode}:${ACCOUNT.appid}}:forced`, aheadMs, aheadMs);
  t.is(typeof seen(await one.acquire(ACCOUNT, 'one/1', 0, 8_000)).generation, 'number');
  const ahead = { issuedAtUnixMs: aheadMs, expiresAtUnixMs: aheadMs + 7_200_000 };
  const pause = { owner: 'one/1', forMs: 1 };
  t.is(await one.publish(ACCOUNT, { ...record('a', 8e15), ...ahead }, pause), 'stored');
  t.true(await one.addForced(ACCOUNT, [Date.now()]));
  await until('the pause is over', async () => (await one.renew(ACCOUNT, 'one/1', 8_000)) === 'ours');
  await one.release(ACCOUNT, 'one/1');
  await one.doubt(ACCOUNT, 'fingerprint');
  const found = seen(await one.read(ACCOUNT));
  t.is(found.lease, undefined);
  t.is(found.doubted, 'fingerprint');
  t.is(found.readable?.issuedAtUnixMs !== undefined && found.readable.issuedAtUnixMs < aheadMs, true);
  await until('it is told', () => told.length > 0);
  t.deepEqual(lines, []);
  t.is(((await redis.client.call('ACL', 'LOG')) as unknown[]).length, 0);
  await redis.client.select(0);
  t.is(await redis.client.dbsize(), 0);
});

serialRedisTest('foreign data under our keys is not a token', async (t) => {
  const redis = await RedisServer.start(t);
  const records = open(t, redis.url());
  const nowMs = Date.now();
  const key = `test:{${ACCOUNT.mode}:${ACCOUNT.appid}}:token`;
  for (const [odd, fields] of [
    ['an empty value', { value: '', fingerprint: fingerprintOf('') }],
    ['a fingerprint of another value', { value: 'T1', fingerprint: fingerprintOf('T2') }],
    ['a life without end', { value: 'T1', fingerprint: fingerprintOf('T1'), expires: '1e300' }],
    ['a time that is none', { value: 'T1', fingerprint: fingerprintOf('T1'), issued: 'x' }],
  ] as const) {
    const stored: Record<string, string> = {
      generation: '99999999999999',
      issued: String(nowMs),
      expires: String(nowMs + 1_000),
      ...fields,
    };
    await redis.client.hset(key, stored);
    t.is(seen(await records.read(ACCOUNT)).readable, undefined, odd);
  }
});

serialRedisTest(
  'forced refreshes dated ahead of Redis count as now once, keep their number, and age',
  async (t) => {
    const redis = await RedisServer.start(t);
    const records = open(t, redis.url());
    const key = `test:{${ACCOUNT.mode}:${ACCOUNT.appid}}:forced`;
    const aheadMs = Date.now() + 600_000;
    await redis.client.zadd(
      key,
      aheadMs,
      aheadMs,
      aheadMs + 60_000,
      aheadMs + 60_000,
      Date.now() - 3_600_000,
      'x',
    );
    const first = seen(await records.read(ACCOUNT));
    t.is(first.forcedAtUnixMs.length, 3);
    t.deepEqual(first.forcedAtUnixMs.slice(1), [first.nowUnixMs - 30_000, first.nowUnixMs]);
    await until(
      'time goes on',
      async () => seen(await records.read(ACCOUNT)).nowUnixMs > first.nowUnixMs + 20,
    );
    t.deepEqual(seen(await records.acquire(ACCOUNT, 'one/1', 0, 8_000)).forcedAtUnixMs, first.forcedAtUnixMs);
    t.true(await records.addForced(ACCOUNT, [Date.now() + 600_000]));
    const charged = seen(await records.read(ACCOUNT));
    t.true((charged.forcedAtUnixMs.at(-1) ?? Infinity) <= charged.nowUnixMs);
  },
);

serialRedisTest('a token dated ahead of Redis lives from its first reading, for every reader', async (t) => {
  const redis = await RedisServer.start(t);
  for (const key of [undefined, 'a key of sixteen or more']) {
    const options = key === undefined ? {} : { key };
    const [one, other] = [open(t, redis.url(), options), open(t, redis.url(), options)];
    const generation = key === undefined ? 20 : 40;
    const aheadMs = Date.now() + 3 * 3_600_000;
    const times = { issuedAtUnixMs: aheadMs, expiresAtUnixMs: aheadMs + 7_200_000 };
    t.is(await one.publish(ACCOUNT, { ...record('ahead', generation), ...times }), 'stored');
    const first = seen(await one.read(ACCOUNT));
    t.is(first.readable?.issuedAtUnixMs, first.nowUnixMs);
    t.is(first.readable?.expiresAtUnixMs, first.nowUnixMs + 7_200_000);
    await until('time goes on', async () => seen(await one.read(ACCOUNT)).nowUnixMs > first.nowUnixMs + 20);
    t.deepEqual(seen(await other.read(ACCOUNT)).record, first.record);
    t.is(seen(await other.read(ACCOUNT)).readable?.value.reveal(), 'ahead');
    // What follows has dates of its own.
    t.is(await one.publish(ACCOUNT, record('next', generation + 10)), 'stored');
    const next = seen(await other.read(ACCOUNT));
    t.true((next.readable?.issuedAtUnixMs ?? 0) > first.nowUnixMs);
  }
});
