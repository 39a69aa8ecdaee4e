import type { ExecutionContext } from 'ava';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { seededRandom, systemRandom } from '../../src/base/random.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { RedisRecords } from '../../src/store/redis-records.ts';
import { makeTokenCipher } from '../../src/store/cipher.ts';
import type {
  Pause,
  SharedAccount,
  SharedRecord,
  Snapshot,
  Acquired,
} from '../../src/store/shared-records.ts';
import { RedisServer, serialRedisTest, until } from '../support/redis.ts';
import {
  acquireCommand,
  EMPTY,
  MODEL,
  type Model,
  publishCommand,
  recordOf,
} from '../support/store-model.ts';
import { TwinStores } from '../support/twin-stores.ts';

const ACCOUNT = { appid: 'wx0123456789abcdef', mode: 'classic' } as const;
const ACCOUNTS = [ACCOUNT, { ...ACCOUNT, mode: 'stable' }] as const satisfies readonly SharedAccount[];
const OWNERS = ['one/1', 'other/1', 'other/2'] as const;
const HOUR_MS = 3_600_000;
const LONG_MS = 60_000;

/** However slow the machine is, each command is waited for. */
const clockWithoutTimers: Clock = { ...systemClock, after: () => ({ cancel() {} }) };

/** The same commands for both, each compared. */
class Both {
  readonly redis: RedisServer;
  readonly twins: TwinStores;
  readonly heard: SharedAccount[] = [];
  readonly #records: RedisRecords;
  readonly #model: Model;

  private constructor(redis: RedisServer, records: RedisRecords, model: Model) {
    this.redis = redis;
    this.twins = new TwinStores(() => redis.nowUnixMs());
    this.#records = records;
    this.#model = model;
  }

  static async open(t: ExecutionContext, redis: RedisServer, model = MODEL): Promise<Both> {
    await redis.client.flushall();
    const records = new RedisRecords({
      target: { url: new Secret(redis.url()), sentinels: [], cluster: false },
      keyPrefix: 'test:',
      cipher: makeTokenCipher(undefined),
      clock: clockWithoutTimers,
      random: systemRandom,
      log: silentLog,
    });
    t.teardown(() => records.close());
    const both = new Both(redis, records, model);
    let times = 0;
    records.listen({
      changed: (it) => both.heard.push(it),
      connected: () => (times += 1),
      disconnected() {},
    });
    // Once for the commands, once for the messages.
    await until('it listens', () => times === 2);
    return both;
  }

  read(account: SharedAccount = ACCOUNT): Promise<Snapshot> {
    return this.twins.act(account, () => this.#records.read(account), this.#model.read());
  }

  acquire(
    owner: string,
    floor: number,
    leaseMs: number,
    account: SharedAccount = ACCOUNT,
  ): Promise<Acquired> {
    const command = this.#model.acquire(owner, floor, leaseMs);
    return this.twins.act(account, () => this.#records.acquire(account, owner, floor, leaseMs), command);
  }

  renew(owner: string, leaseMs: number, account: SharedAccount = ACCOUNT): Promise<'ours' | 'lost'> {
    const command = this.#model.renew(owner, leaseMs);
    return this.twins.act(account, () => this.#records.renew(account, owner, leaseMs), command);
  }

  async release(owner: string, account: SharedAccount = ACCOUNT): Promise<void> {
    await this.twins.act(account, () => this.#records.release(account, owner), this.#model.release(owner));
  }

  publish(
    record: SharedRecord,
    pause?: Pause,
    account: SharedAccount = ACCOUNT,
  ): Promise<'stored' | 'older'> {
    const command = this.#model.publish(record, pause);
    return this.twins.act(account, () => this.#records.publish(account, record, pause), command);
  }

  async doubt(fingerprint: string, account: SharedAccount = ACCOUNT): Promise<void> {
    await this.twins.act(
      account,
      () => this.#records.doubt(account, fingerprint),
      this.#model.doubt(fingerprint),
    );
  }

  async addForced(atUnixMs: readonly number[], account: SharedAccount = ACCOUNT): Promise<void> {
    const charged = (): Promise<boolean> => this.#records.addForced(account, atUnixMs);
    await this.twins.act<boolean>(account, charged, this.#model.addForced(atUnixMs));
  }

  /** Until the clock of Redis has come so far; nobody can turn it. */
  async pass(forMs: number): Promise<void> {
    const endMs = (await this.twins.nowUnixMs()) + forMs;
    while ((await this.twins.nowUnixMs()) < endMs);
  }

  /** Comes back empty. */
  async forgetAll(): Promise<void> {
    await this.redis.client.flushall();
    this.twins.forgetAll();
  }

  /** The half minute of a doubt is over at once. */
  async endDoubt(account: SharedAccount): Promise<void> {
    await this.redis.client.del(`test:{${account.mode}:${account.appid}}:doubt`);
    this.twins.change(account, (place) => ({ ...place, doubted: undefined }));
  }

  /** A forced refresh that another clock has dated. */
  async forceDated(atUnixMs: number, account: SharedAccount): Promise<void> {
    await this.redis.client.zadd(
      `test:{${account.mode}:${account.appid}}:forced`,
      atUnixMs,
      String(atUnixMs),
    );
    this.twins.change(account, (place) => ({
      ...place,
      forced: [...new Set([...place.forced, atUnixMs])].toSorted((a, b) => a - b),
    }));
  }

  /** All messages that the model has told of have been heard, in their order, and no others. */
  async heardAll(t: ExecutionContext): Promise<void> {
    const { generation = 0 } = await this.acquire('last/1', 0, LONG_MS, { ...ACCOUNT, appid: 'wx-last' });
    await this.publish(recordOf('last', generation, await this.twins.nowUnixMs()), undefined, {
      ...ACCOUNT,
      appid: 'wx-last',
    });
    await until('the last message', () => this.heard.at(-1)?.appid === 'wx-last');
    t.deepEqual(this.heard, this.twins.told);
  }
}

/** One command after the other, drawn from a seed. */
class Sequence {
  readonly #both: Both;
  readonly #random: () => number;
  #serial = 0;

  constructor(both: Both, seed: number) {
    this.#both = both;
    this.#random = seededRandom(seed);
  }

  async run(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      await this.#command();
      await this.#both.read(this.#one(ACCOUNTS));
    }
  }

  #command(): Promise<unknown> {
    const both = this.#both;
    const account = this.#one(ACCOUNTS);
    const owner = this.#one(OWNERS);
    const leaseMs = this.#one([5, 20, 40, LONG_MS]);
    const acts: readonly (() => Promise<unknown>)[] = [
      () => both.acquire(owner, 0, leaseMs, account),
      () => both.acquire(owner, 9e12 + this.#whole(1_000), leaseMs, account),
      () => both.renew(owner, leaseMs, account),
      () => both.release(owner, account),
      () => this.#publish(account, owner),
      () => this.#publish(account, owner),
      () => both.doubt(this.#one(['aaaa', 'bbbb']), account),
      () => this.#charge(account),
      () => both.pass(this.#whole(25)),
      async () => {
        const chance = this.#random();
        if (chance < 0.3) await both.forgetAll();
        else if (chance < 0.6) await both.endDoubt(account);
        else await both.forceDated((await both.twins.nowUnixMs()) + this.#whole(2) * HOUR_MS, account);
      },
    ];
    return this.#one(acts)();
  }

  async #publish(account: SharedAccount, owner: string): Promise<void> {
    const both = this.#both;
    const nowMs = await both.twins.nowUnixMs();
    const { record } = await both.read(account);
    this.#serial += 1;
    const issuedMs = nowMs + this.#one([0, -1, -HOUR_MS, 10, HOUR_MS]);
    const lifeMs = this.#one([2 * HOUR_MS, 2 * HOUR_MS, 0, -5, 8 * 24 * HOUR_MS, 1_000]);
    const generation = this.#one([
      nowMs,
      (record?.generation ?? 0) + 1,
      record?.generation ?? 1,
      (record?.generation ?? 2) - 1,
    ]);
    const sound = recordOf(`token ${this.#serial}`, generation, issuedMs, lifeMs);
    const isForged = this.#random() < 0.1;
    const pause = this.#one([undefined, { owner, forMs: this.#one([10, LONG_MS]) }]);
    await both.publish(isForged ? { ...sound, fingerprint: fingerprintOf('other') } : sound, pause, account);
  }

  async #charge(account: SharedAccount): Promise<void> {
    const nowMs = await this.#both.twins.nowUnixMs();
    const times = Array.from(
      { length: this.#whole(4) },
      () => nowMs - this.#one([0, 500, 29_000, 60_000, 23 * HOUR_MS, 25 * HOUR_MS, -HOUR_MS]),
    );
    await this.#both.addForced(times, account);
  }

  #whole(max: number): number {
    return Math.floor(this.#random() * (max + 1));
  }

  #one<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.#random() * values.length)] as Value;
  }
}

serialRedisTest('model and Redis agree: leases, and who may have them', async (t) => {
  const both = await Both.open(t, await RedisServer.start(t));
  t.is((await both.read()).lease, undefined);
  const { generation = 0 } = await both.acquire('one/1', 0, LONG_MS);
  t.true(generation > 0);
  t.is((await both.acquire('other/1', 0, LONG_MS)).generation, undefined);
  t.is(await both.renew('other/1', LONG_MS), 'lost');
  await both.release('other/1');
  t.is((await both.acquire('other/1', 0, LONG_MS)).generation, undefined);
  // Its own turn is had again, with a generation that exceeds the floor.
  t.is((await both.acquire('one/1', 9e15, LONG_MS)).generation, 9e15 + 1);
  t.is(await both.renew('one/1', 10), 'ours');
  await both.pass(20);
  t.is((await both.read()).lease, undefined);
  // A turn that ended, or was forgotten, is kept where nobody has taken it.
  t.is(await both.renew('one/1', LONG_MS), 'ours');
  await both.forgetAll();
  t.is(await both.renew('other/2', LONG_MS), 'ours');
  t.like(await both.read(), { owner: 'other', lease: { isOurs: false } });
});

serialRedisTest('model and Redis agree: records, their order, and pauses', async (t) => {
  const both = await Both.open(t, await RedisServer.start(t));
  const nowMs = await both.twins.nowUnixMs();
  t.is(await both.publish(recordOf('later', 20, nowMs)), 'stored');
  t.is(await both.publish(recordOf('earlier', 19, nowMs)), 'older');
  t.is(await both.publish(recordOf('another', 20, nowMs)), 'older');
  t.is((await both.read()).readable?.value.reveal(), 'later');
  // Nobody has the lease: with a pause nobody gets it for a while, the publisher included.
  const [, elsewhere] = ACCOUNTS;
  await both.publish(recordOf('elsewhere', 1, nowMs), { owner: 'one/1', forMs: LONG_MS }, elsewhere);
  t.is((await both.acquire('one/1', 0, LONG_MS, elsewhere)).generation, undefined);
  t.is(await both.publish(recordOf('again', 21, nowMs), { owner: 'one/1', forMs: 15 }), 'stored');
  await both.pass(25);
  t.not((await both.acquire('one/1', 0, LONG_MS)).generation, undefined);
  // Somebody else's turn is not taken away by it; one's own is.
  await both.publish(recordOf('third', 22, nowMs), { owner: 'other/1', forMs: LONG_MS });
  t.is((await both.read()).owner, 'one');
  await both.publish(recordOf('fourth', 23, nowMs), { owner: 'one/1', forMs: LONG_MS });
  t.is((await both.read()).owner, 'nobody');
  // What no hub can have written counts in the order, and is not given out.
  await both.publish({ ...recordOf('forged', 24, nowMs), fingerprint: fingerprintOf('other') });
  t.is((await both.read()).record, undefined);
  t.is(await both.publish(recordOf('fifth', 24, nowMs)), 'older');
  t.is(await both.publish(recordOf('without a life', 25, nowMs, 0)), 'stored');
  t.is((await both.read()).readable, undefined);
  await both.heardAll(t);
});

serialRedisTest('model and Redis agree: what is dated ahead, forced refreshes, and doubts', async (t) => {
  const both = await Both.open(t, await RedisServer.start(t));
  const nowMs = await both.twins.nowUnixMs();
  await both.publish(recordOf('ahead', 1, nowMs + HOUR_MS));
  t.true(((await both.read()).readable?.issuedAtUnixMs ?? Infinity) <= (await both.twins.nowUnixMs()));
  await both.pass(5);
  const { readable } = await both.read();
  t.is((readable?.expiresAtUnixMs ?? 0) - (readable?.issuedAtUnixMs ?? 0), 2 * HOUR_MS);
  await both.publish(recordOf('of now', 2, nowMs));
  t.is((await both.read()).readable?.issuedAtUnixMs, nowMs);
  await both.addForced([nowMs - 1_000, nowMs - 90_000, nowMs - 25 * HOUR_MS]);
  await both.addForced([nowMs - 1_000, nowMs + HOUR_MS]);
  t.is((await both.read()).forcedAtUnixMs.length, 3);
  for (let count = 0; count < 25; count += 1) await both.forceDated(nowMs + HOUR_MS + count, ACCOUNT);
  // They keep their number up to the quota, 30 s apart.
  t.true((await both.read()).forcedAtUnixMs.every((atMs) => atMs <= nowMs + HOUR_MS));
  await both.doubt('aaaa');
  await both.doubt('bbbb');
  t.is((await both.read()).doubted, 'bbbb');
  await both.endDoubt(ACCOUNT);
  t.is((await both.read()).doubted, undefined);
  t.is((await both.read({ ...ACCOUNT, mode: 'stable' })).readable, undefined);
  await both.heardAll(t);
});

serialRedisTest('model and Redis agree for random commands', async (t) => {
  t.timeout(120_000);
  const redis = await RedisServer.start(t);
  for (let seed = 1; seed <= 12; seed += 1) {
    const both = await Both.open(t, redis);
    try {
      await new Sequence(both, seed).run(80);
      await both.heardAll(t);
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
});

/** Each differs from Redis in one rule. */
const WRONG: Readonly<Record<string, Partial<Model>>> = {
  'a turn that never ends': {
    acquire: (owner, floor, leaseMs) => acquireCommand(owner, floor, leaseMs + LONG_MS),
  },
  'anybody may release a turn': {
    release: () => (place) => ({ place: { ...place, lease: undefined }, answer: true }),
  },
  'a generation that does not exceed what is stored': {
    acquire: (owner, floor, leaseMs) => (place, nowMs) => {
      const done = acquireCommand(owner, floor, leaseMs)({ ...place, record: undefined }, nowMs);
      return { ...done, place: { ...done.place, record: place.record } };
    },
  },
  'the last one to publish wins': {
    publish: (record, pause) => (place, nowMs) =>
      publishCommand(record, pause)({ ...EMPTY, lease: place.lease }, nowMs),
  },
  'a pause for others only': { publish: (record) => publishCommand(record) },
  'dates ahead stay ahead': {
    addForced: (times) => (place) => ({
      place: { ...place, forced: [...new Set([...place.forced, ...times])].toSorted((a, b) => a - b) },
      answer: true,
    }),
  },
  'a doubt that nobody hears of': {
    doubt: () => (place) => ({ place, answer: true }),
  },
};

for (const [name, wrong] of Object.entries(WRONG)) {
  serialRedisTest(`a model with another rule is detected: ${name}`, async (t) => {
    t.timeout(120_000);
    const redis = await RedisServer.start(t);
    const found = async (seed: number): Promise<boolean> => {
      const both = await Both.open(t, redis, { ...MODEL, ...wrong });
      return new Sequence(both, seed).run(80).then(
        () => false,
        (error: unknown) => error instanceof Error && error.message.startsWith('Redis answered'),
      );
    };
    let seed = 1;
    while (seed <= 12 && !(await found(seed))) seed += 1;
    t.true(seed <= 12);
  });
}
