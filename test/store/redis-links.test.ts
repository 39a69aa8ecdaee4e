import type { ExecutionContext } from 'ava';
import type { Log } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import type { RedisTarget } from '../../src/store/redis-client.ts';
import { RedisRecords } from '../../src/store/redis-records.ts';
import { makeTokenCipher } from '../../src/store/cipher.ts';
import { patientClock } from '../support/patient-clock.ts';
import { RedisServer, serialRedisTest, until } from '../support/redis.ts';
import { documentedRights } from '../support/redis-rights.ts';

const ACCOUNT = { appid: 'wx0123456789abcdef', mode: 'classic' } as const;
const REFUSED = 'new token store settings rejected; the old ones stay in force';
const TAKEN = 'token store settings applied';

interface Opened {
  readonly records: RedisRecords;
  readonly lines: { event: string; reason?: string; hint?: string }[];
  readonly told: string[];
  said(event: string): number;
  takes(): Promise<boolean>;
}

function at(url: string): RedisTarget {
  return { url: new Secret(url), sentinels: [], cluster: false };
}

function open(t: ExecutionContext, url: string): Opened {
  const lines: Opened['lines'] = [];
  const told: string[] = [];
  const write = (event: string, fields: object = {}): void => void lines.push({ event, ...fields });
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const records = new RedisRecords({
    target: at(url),
    keyPrefix: 'test:',
    cipher: makeTokenCipher(undefined),
    clock: patientClock,
    random: systemRandom,
    log,
  });
  records.listen({
    changed: () => told.push('changed'),
    connected: () => told.push('back'),
    disconnected: () => told.push('unavailable'),
  });
  t.teardown(() => records.close());
  return {
    records,
    lines,
    told,
    said: (event) => lines.filter((line) => line.event === event).length,
    takes: async () => (await records.acquire(ACCOUNT, 'one/1', 0, 8_000)).kind === 'seen',
  };
}

serialRedisTest(
  'a new password is used without a restart, and the old connection until it works',
  async (t) => {
    const redis = await RedisServer.start(t, { args: ['--requirepass', 'first'], userInfo: ':first' });
    const opened = open(t, redis.url(':first'));
    await until('it is there', () => opened.takes());
    // The settings come before Redis knows the password.
    opened.records.use(at(redis.url(':second')));
    await until('it is refused', () => opened.said(REFUSED) > 0);
    t.like(
      opened.lines.find(({ event }) => event === REFUSED),
      { reason: 'WRONGPASS' },
    );
    t.regex(opened.lines.find(({ event }) => event === REFUSED)?.hint ?? '', /password/);
    t.true(await opened.takes());
    t.is(opened.said(TAKEN), 0);
    const lease = redis.client.get(`test:{classic:${ACCOUNT.appid}}:turn`);
    t.is(await lease, 'one/1');
    await redis.client.config('SET', 'requirepass', 'second');
    await until('it is used', () => opened.said(TAKEN) === 1);
    t.true(await opened.takes());
    // The connections of before are gone, those with the new password take their place.
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until('it is there again', () => opened.takes());
    t.false(JSON.stringify(opened.lines).includes('second'));
  },
);

serialRedisTest(
  'while another Redis takes over, every call gets a result and publications arrive',
  async (t) => {
    const [first, second] = [await RedisServer.start(t), await RedisServer.start(t)];
    const opened = open(t, first.url());
    await until('it is there', () => opened.takes());
    await until('messages are heard', () => opened.told.filter((word) => word === 'back').length >= 2);
    opened.told.length = 0;
    opened.records.use(at(second.url()));
    let missed = 0;
    await until('it is used', async () => {
      if (!(await opened.takes())) missed += 1;
      return opened.said(TAKEN) === 1;
    });
    t.is(missed, 0);
    // Whoever has a token publishes it there, as after any absence of the store.
    t.deepEqual(opened.told.slice(0, 2), ['unavailable', 'back']);
    const value = 'a-token-of-this-test';
    const record = {
      generation: Date.now() + 1_000,
      value: new Secret(value),
      fingerprint: fingerprintOf(value),
      issuedAtUnixMs: Date.now(),
      expiresAtUnixMs: Date.now() + 7_200_000,
    };
    await until(
      'it is published',
      async () => (await opened.records.publish(ACCOUNT, record)) !== 'unavailable',
    );
    t.is(await second.client.exists(`test:{classic:${ACCOUNT.appid}}:token`), 1);
    t.is(await first.client.exists(`test:{classic:${ACCOUNT.appid}}:token`), 0);
    await until('a publication is heard', async () => {
      await second.client.publish('test:changed', `classic ${ACCOUNT.appid}`);
      return opened.told.includes('changed');
    });
    await until('the first is left', async () => {
      const clients = String(await first.client.call('CLIENT', 'LIST'))
        .trim()
        .split('\n');
      return clients.length === 1;
    });
  },
);

serialRedisTest(
  'unusable new settings are refused with an explanation, and applied once they work',
  async (t) => {
    const [redis, replica] = [
      await RedisServer.start(t),
      await RedisServer.start(t, { args: ['--replicaof', '127.0.0.1', '1'] }),
    ];
    await redis.client.call('ACL', 'SETUSER', 'hub', 'on', '>pass', '~other:*', '&*', '+@all');
    const opened = open(t, redis.url());
    await until('it is there', () => opened.takes());
    for (const [url, reason] of [
      ['redis://127.0.0.1:1', 'ECONNREFUSED'],
      [replica.url(), 'READONLY'],
      [`${redis.url()}/99`, 'SELECT'],
      [redis.url('hub:pass'), 'NOPERM'],
    ] as const) {
      opened.records.use(at(url));
      await until(`${reason} is told`, () =>
        opened.lines.some((line) => line.event === REFUSED && line.reason === reason),
      );
      t.true(await opened.takes());
    }
    t.is(opened.said(TAKEN), 0);
    t.is(opened.said('token store is unavailable'), 0);
    t.deepEqual(
      opened.told.filter((word) => word === 'unavailable'),
      [],
    );
    // The user is given what it needs; the documented rights are enough.
    await redis.client.call('ACL', 'SETUSER', 'hub', 'reset', 'on', '>pass', ...documentedRights());
    await until('it is used', () => opened.said(TAKEN) === 1);
    t.true(await opened.takes());
    // Back to what is in force: nothing to do.
    opened.records.use(at(redis.url('hub:pass')));
    opened.records.use(at('redis://127.0.0.1:1'));
    opened.records.use(at(redis.url('hub:pass')));
    t.true(await opened.takes());
    t.is(opened.said(TAKEN), 1);
  },
);
