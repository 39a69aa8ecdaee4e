import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Log, silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { FileRecords } from '../../src/store/file-store.ts';
import type { TokenRecord, TokenRecords } from '../../src/store/token-records.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryFolder } from '../support/temporary.ts';

const KEY = 'a key of sixteen characters or more';
const clock = new ManualClock();

const record: TokenRecord = {
  appid: 'wx1',
  mode: 'stable',
  token: {
    value: new Secret('the-token-itself'),
    issuedAtUnixMs: clock.unixMs(),
    expiresAtUnixMs: clock.unixMs() + 7_200_000,
  },
  forcedAtUnixMs: [],
};

function open(path: string, key?: string, log: Log = silentLog): TokenRecords {
  const encryptionKey = key === undefined ? undefined : new Secret(key);
  return new FileRecords({ path, encryptionKey, clock, random: systemRandom, log });
}

async function written(path: string, key?: string): Promise<string> {
  const store = open(path, key);
  store.save(record);
  await store.close();
  return readFileSync(path, 'utf8');
}

async function read(path: string, key?: string, log?: Log): Promise<string | undefined> {
  const store = open(path, key, log);
  const found = await store.load('wx1', 'stable');
  await store.close();
  return found?.token?.value.reveal();
}

test('with a key the file holds no token in clear, and a restart reads it', async (t) => {
  const path = join(temporaryFolder(t), 'tokens.json');
  t.false((await written(path, KEY)).includes('the-token-itself'));
  t.is(await read(path, KEY), 'the-token-itself');
});

test('a file under another key is set aside completely, and the log says why', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'tokens.json');
  const before = await written(path, KEY);
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (event, fields) => void lines.push(JSON.stringify({ event, fields })),
  };
  t.is(await read(path, 'another key of that length', log), undefined);
  t.regex(lines.join('\n'), /encrypted with a key other than store\.encryptionKeyFile/);
  const [aside = ''] = readdirSync(folder);
  t.is(readFileSync(join(folder, aside), 'utf8'), before);
});

test('with a key a token in clear text is not read: one warning says so, and the record of forced refreshes is kept', async (t) => {
  const path = join(temporaryFolder(t), 'tokens.json');
  const forcedAtUnixMs = [clock.unixMs() - 60_000];
  const before = open(path);
  for (const appid of ['wx1', 'wx2']) before.save({ ...record, appid, forcedAtUnixMs });
  await before.close();
  const warnings: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (event, fields) => void warnings.push(JSON.stringify({ event, ...fields })),
  };
  const store = open(path, KEY, log);
  for (const appid of ['wx1', 'wx2']) {
    t.deepEqual(await store.load(appid, 'stable'), { appid, mode: 'stable', forcedAtUnixMs });
  }
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /in clear.*"tokens":2.*store\.encryptionKeyFile/);
  t.false(warnings[0]?.includes('the-token-itself'));
  store.save(record);
  await store.close();
  t.false(readFileSync(path, 'utf8').includes('the-token-itself'));
  t.is(await read(path, KEY), 'the-token-itself');
});

test('one token in clear text among encrypted ones is ignored, and only that one', async (t) => {
  const path = join(temporaryFolder(t), 'tokens.json');
  await written(path, KEY);
  const file = JSON.parse(readFileSync(path, 'utf8')) as { accounts: object[] };
  const { accounts } = JSON.parse(await written(join(temporaryFolder(t), 'other.json'))) as typeof file;
  const planted = accounts.map((account) => ({ ...account, appid: 'wx2' }));
  writeFileSync(path, JSON.stringify({ ...file, accounts: [...file.accounts, ...planted] }));
  const store = open(path, KEY);
  t.is((await store.load('wx1', 'stable'))?.token?.value.reveal(), 'the-token-itself');
  t.is((await store.load('wx2', 'stable'))?.token, undefined);
  await store.close();
});

test('an encrypted token cannot be decrypted for another account, mode or lifetime', async (t) => {
  for (const change of [
    { appid: 'wx2' },
    { mode: 'classic' },
    { token: { issuedAtUnixMs: clock.unixMs() + 1 } },
    { token: { expiresAtUnixMs: clock.unixMs() + 9_000_000 } },
  ]) {
    const path = join(temporaryFolder(t), 'tokens.json');
    await written(path, KEY);
    const file = JSON.parse(readFileSync(path, 'utf8')) as { accounts: { token: object }[] };
    const accounts = file.accounts.map((account) => ({
      ...account,
      ...change,
      token: { ...account.token, ...change.token },
    }));
    writeFileSync(path, JSON.stringify({ ...file, accounts }));
    const store = open(path, KEY);
    for (const appid of ['wx1', 'wx2']) {
      for (const mode of ['stable', 'classic'] as const) t.is(await store.load(appid, mode), undefined);
    }
    await store.close();
  }
});
