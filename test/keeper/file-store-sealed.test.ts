import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Log } from '../../src/base/log.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { makeFileStore } from '../../src/keeper/file-store.ts';
import type { TokenRecord, TokenStore } from '../../src/keeper/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { temporaryFolder } from '../support/temporary.ts';

const KEY = 'a key of sixteen characters or more';
const clock = new ManualClock();

const record: TokenRecord = {
  appid: 'wx1',
  mode: 'stable',
  token: {
    value: new Secret('the-token-itself'),
    issuedAtUnixMs: clock.wallMs(),
    expiresAtUnixMs: clock.wallMs() + 7_200_000,
  },
  forcedAtUnixMs: [],
};

function open(path: string, key?: string, log: Log = silentLog): TokenStore {
  const encryptionKey = key === undefined ? undefined : new Secret(key);
  return makeFileStore({ path, encryptionKey, clock, random: systemRandom, log });
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

test('a file under another key is set aside whole, and the log says why', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'tokens.json');
  const before = await written(path, KEY);
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (event, fields) => void lines.push(JSON.stringify({ event, fields })),
  };
  t.is(await read(path, 'another key of that length', log), undefined);
  t.regex(lines.join('\n'), /encrypted with another key than store\.encryptionKeyFile/);
  const [aside = ''] = readdirSync(folder);
  t.is(readFileSync(join(folder, aside), 'utf8'), before);
});

test('what was in clear before there was a key is read, and encrypted by the next write', async (t) => {
  const path = join(temporaryFolder(t), 'tokens.json');
  t.true((await written(path)).includes('the-token-itself'));
  t.is(await read(path, KEY), 'the-token-itself');
  t.false((await written(path, KEY)).includes('the-token-itself'));
});
