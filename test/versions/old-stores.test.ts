import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { FileRecords } from '../../src/store/file-store.ts';
import { RedisRecords } from '../../src/store/redis-records.ts';
import { makeTokenCipher } from '../../src/store/cipher.ts';
import type { StoreUnavailable, Snapshot } from '../../src/store/shared-records.ts';
import type { TokenRecords } from '../../src/store/token-records.ts';
import { patientClock } from '../support/patient-clock.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { redisTest, RedisServer, until } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { recordedStores } from './recorded.ts';

/** Stores that a hub of 0.1.0 has written are read, and it reads what a hub of now writes. */
const recorded = recordedStores();
const APP = { appid: 'wx0123456789abcdef', mode: 'stable' } as const;
const BASE = `test:{${APP.mode}:${APP.appid}}`;
const KEYS = [`${BASE}:token`, `${BASE}:turn`, `${BASE}:forced`] as const;
const FORMS = ['inClear', 'sealed'] as const;

/** When the files were written. */
const WRITTEN_MS = Date.UTC(2026, 10, 22, 15);

function keyFor(form: (typeof FORMS)[number]): Secret | undefined {
  return form === 'sealed' ? new Secret(recorded.key) : undefined;
}

function fileRecords(path: string, encryptionKey: Secret | undefined): TokenRecords {
  const clock = new ManualClock(WRITTEN_MS);
  return new FileRecords({ path, encryptionKey, clock, random: systemRandom, log: silentLog });
}

for (const form of FORMS) {
  test(`a file of 0.1.0 is read, ${form}, and written in the same shape`, async (t) => {
    const path = join(temporaryFolder(t), 'tokens.json');
    writeFileSync(path, recorded.files[form]);
    const store = fileRecords(path, keyFor(form));
    const record = await store.load(APP.appid, APP.mode);
    t.is(record?.token?.value.reveal(), recorded.token);
    t.deepEqual(record?.forcedAtUnixMs, [WRITTEN_MS - 3_600_000, WRITTEN_MS - 60_000]);
    if (record === undefined) return;
    store.save({ ...record, forcedAtUnixMs: [...record.forcedAtUnixMs, WRITTEN_MS] });
    await store.close();
    const [now, then] = [readFileSync(path, 'utf8'), recorded.files[form]].map((text) =>
      shapeOf(JSON.parse(text)),
    );
    // 0.1.0 refuses a file with a member that it does not know.
    t.deepEqual(now, then);
    // It knows its own cipher by this beginning, and what is in clear by its absence.
    t.is(/"value": "aes-256-gcm\/1:/.test(readFileSync(path, 'utf8')), form === 'sealed');
  });
}

/** The members and the types of a JSON value; of a list, those of its first element. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]));
}

interface Opened {
  readonly redis: RedisServer;
  readonly records: RedisRecords;
  readonly heard: string[];
  /** One of the scripts of 0.1.0, on the keys of the account. */
  old(name: keyof typeof recorded.scripts, ...args: (string | number)[]): Promise<unknown>;
}

async function open(t: ExecutionContext, form: (typeof FORMS)[number] = 'inClear'): Promise<Opened> {
  const redis = await RedisServer.start(t);
  const records = new RedisRecords({
    target: { url: new Secret(redis.url()), sentinels: [], cluster: false },
    keyPrefix: 'test:',
    cipher: makeTokenCipher(keyFor(form)),
    clock: patientClock,
    random: systemRandom,
    log: silentLog,
  });
  t.teardown(() => records.close());
  const heard: string[] = [];
  records.listen({
    changed: ({ appid, mode }) => heard.push(`${mode} ${appid}`),
    connected() {},
    disconnected() {},
  });
  return {
    redis,
    records,
    heard,
    old: (name, ...args) => redis.client.eval(recorded.scripts[name], KEYS.length, ...KEYS, ...args),
  };
}

function seen<Kind extends Snapshot>(it: Kind | StoreUnavailable): Kind {
  if (it.kind === 'unavailable') throw new Error('the store is unavailable');
  return it;
}

for (const form of FORMS) {
  redisTest(`a token that 0.1.0 has put into Redis is read, ${form}`, async (t) => {
    const { redis, records } = await open(t, form);
    await redis.client.hset(KEYS[0], recorded.redis[form]);
    const { readable, isUndecryptable } = seen(await records.read(APP));
    t.false(isUndecryptable);
    t.is(readable?.value.reveal(), recorded.token);
    t.is(readable?.generation, Number(recorded.redis[form]['generation']));
  });
}

redisTest('a hub of 0.1.0 and a current one share the lease, and get each other’s tokens', async (t) => {
  const { records, heard, old } = await open(t);
  const [nowMs, ...before] = (await old('take', 'old/1', 8_000, 0)) as [number, ...unknown[]];
  t.is(Number(before.at(-1)) > 0, true);
  const refused = seen(await records.acquire(APP, 'new/1', 0, 8_000));
  t.is(refused.generation, undefined);
  t.like(refused, { owner: 'old', lease: { isOurs: false } });
  // 0.1.0 publishes, counts a forced refresh and lets go.
  const fields = [nowMs + 1, fingerprintOf(recorded.token), nowMs, nowMs + 7_200_000, recorded.token];
  await until('the channel is open', async () => {
    await old(
      'publish',
      '',
      0,
      ...fields.with(0, nowMs + heard.length),
      60_000,
      'test:changed',
      'stable wx0123456789abcdef',
    );
    return heard.length > 0;
  });
  await old('charge', 60_000, nowMs);
  await old('release', 'old/1');
  const taken = seen(await records.acquire(APP, 'new/1', 0, 8_000));
  t.true((taken.generation ?? 0) > nowMs);
  t.is(taken.readable?.value.reveal(), recorded.token);
  t.deepEqual(taken.forcedAtUnixMs, [nowMs]);
  t.is(await old('keep', 'old/1', 8_000), 0);
});

redisTest('a hub of 0.1.0 reads what a current one writes into Redis', async (t) => {
  const { records, redis, old } = await open(t);
  const { nowUnixMs } = seen(await records.acquire(APP, 'new/1', 0, 8_000));
  const value = `${recorded.token}x`;
  const record = {
    generation: nowUnixMs + 5,
    value: new Secret(value),
    fingerprint: fingerprintOf(value),
    // Ahead of the clock of Redis, for which a hub of now writes down a further field.
    issuedAtUnixMs: nowUnixMs + 600_000,
    expiresAtUnixMs: nowUnixMs + 7_800_000,
  };
  t.is(await records.publish(APP, record), 'stored');
  t.true(await records.addForced(APP, [nowUnixMs]));
  await records.doubt(APP, record.fingerprint);
  await records.read(APP);
  t.is(await redis.client.hexists(KEYS[0], 'dated'), 1);
  const [, stored, owner, , forced] = (await old('read')) as [number, string[], string, number, string[]];
  t.deepEqual(stored, [
    String(record.generation),
    record.fingerprint,
    String(record.issuedAtUnixMs),
    String(record.expiresAtUnixMs),
    value,
  ]);
  t.is(owner, 'new/1');
  t.deepEqual(forced.map(Number), [nowUnixMs]);
  // A later token of 0.1.0 replaces it, its further field included.
  const later = [
    nowUnixMs + 6,
    fingerprintOf(recorded.token),
    nowUnixMs,
    nowUnixMs + 7_200_000,
    recorded.token,
  ];
  t.is(await old('publish', '', 0, ...later, 60_000, 'test:changed', 'stable wx0123456789abcdef'), 1);
  const { readable } = seen(await records.read(APP));
  t.like(readable, { issuedAtUnixMs: nowUnixMs, expiresAtUnixMs: nowUnixMs + 7_200_000 });
});
