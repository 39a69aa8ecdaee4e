import test, { type ExecutionContext } from 'ava';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { FileRecords } from '../../src/store/file-store.ts';
import type { TokenRecord, TokenRecords } from '../../src/store/token-records.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NOW_MS = 1_700_000_000_000;

interface Place {
  readonly directory: string;
  readonly path: string;
  readonly clock: ManualClock;
  readonly lines: string[];
  readonly store: () => TokenRecords;
}

async function place(t: ExecutionContext): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'wechat-sidecar-store-'));
  t.teardown(async () => {
    await chmod(directory, 0o700);
    await rm(directory, { recursive: true });
  });
  const path = join(directory, 'tokens.json');
  const clock = new ManualClock(NOW_MS);
  const lines: string[] = [];
  const at =
    (level: string) =>
    (event: string, fields?: object): void =>
      void lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
  const log: Log = { ...silentLog, info: at('info'), warn: at('warn'), error: at('error') };
  return {
    directory,
    path,
    clock,
    lines,
    store: () => new FileRecords({ path, clock, random: systemRandom, log }),
  };
}

function record(value: string, more: Partial<TokenRecord> = {}): TokenRecord {
  const token = {
    value: new Secret(value),
    issuedAtUnixMs: NOW_MS - 1_000,
    expiresAtUnixMs: NOW_MS + 7_000_000,
  };
  return { appid: 'wx1', mode: 'stable', token, forcedAtUnixMs: [], ...more };
}

async function valueIn(
  store: TokenRecords,
  mode: 'stable' | 'classic' = 'stable',
): Promise<string | undefined> {
  return (await store.load('wx1', mode))?.token?.value.reveal();
}

test('saved records are there after a restart, readable only by the owner', async (t) => {
  const { path, store, lines } = await place(t);
  const before = store();
  before.save(record('kept', { forcedAtUnixMs: [NOW_MS - 500] }));
  before.save(record('of the other kind', { mode: 'classic' }));
  before.save(record('of another account', { appid: 'wx2' }));
  await before.close();
  t.is((await stat(path)).mode & 0o777, 0o600);
  const after = store();
  t.is(await valueIn(after), 'kept');
  t.is(await valueIn(after, 'classic'), 'of the other kind');
  t.deepEqual((await after.load('wx1', 'stable'))?.forcedAtUnixMs, [NOW_MS - 500]);
  t.is((await after.load('wx2', 'stable'))?.token?.value.reveal(), 'of another account');
  t.is(await after.load('wx3', 'stable'), undefined);
  t.deepEqual(lines, []);
});

test('after many saves the last one is in the file, which is complete at any time', async (t) => {
  const { directory, path, store } = await place(t);
  const saving = store();
  let isOver = false;
  const seen = (async () => {
    while (!isOver) {
      const text = await readFile(path, 'utf8').catch(() => '{}');
      JSON.parse(text);
    }
  })();
  for (let save = 0; save < 200; save += 1) {
    saving.save(record(`token-${save}`));
    if (save % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await saving.close();
  isOver = true;
  await seen;
  t.is(await valueIn(store()), 'token-199');
  t.deepEqual(await readdir(directory), ['tokens.json']);
});

test('two processes with one file leave the complete records of one of them', async (t) => {
  const { store } = await place(t);
  const [one, two] = [store(), store()];
  for (let save = 0; save < 50; save += 1) {
    one.save(record(`one-${save}`));
    two.save(record(`two-${save}`));
    if (save % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all([one.close(), two.close()]);
  t.true(['one-49', 'two-49'].includes((await valueIn(store())) ?? ''));
});

const good = async ({ path, store }: Place): Promise<string> => {
  const saving = store();
  saving.save(record('kept'));
  await saving.close();
  return readFile(path, 'utf8');
};

for (const [what, spoil] of [
  ['is cut off', (text: string) => text.slice(0, -10)],
  ['is empty', () => ''],
  ['is of another program', () => '{"tokens":{}}'],
  ['is of a later format', (text: string) => text.replace('tokens/1', 'tokens/2')],
  ['holds a token that is not the one it was', (text: string) => text.replace('"kept"', '"swapped"')],
  ['holds a field that we do not know', (text: string) => text.replace('"appid"', '"more": 1, "appid"')],
  [
    'holds times that cannot be',
    (text: string) => text.replace(/"expiresAtUnixMs": \d+/, '"expiresAtUnixMs": 5'),
  ],
] as const) {
  test(`a file that ${what} is set aside with one clear line, and the process continues`, async (t) => {
    const it = await place(t);
    await writeFile(it.path, spoil(await good(it)), { mode: 0o600 });
    const store = it.store();
    t.is(await valueIn(store), undefined);
    t.is(it.lines.length, 1, it.lines.join());
    t.regex(it.lines[0] ?? '', /^error token file is not usable and was set aside/);
    t.false(it.lines[0]?.includes('kept') ?? true);
    store.save(record('new'));
    await store.close();
    t.is(await valueIn(it.store()), 'new');
    t.deepEqual((await readdir(it.directory)).filter((name) => name.includes('.corrupt-')).length, 1);
  });
}

test('a file that others could read is made private, with a warning', async (t) => {
  const it = await place(t);
  await good(it);
  await chmod(it.path, 0o644);
  t.is(await valueIn(it.store()), 'kept');
  t.is((await stat(it.path)).mode & 0o777, 0o600);
  t.regex(it.lines[0] ?? '', /^warn token file was readable by others/);
});

test('a link stays a link, and its target is written', async (t) => {
  const { directory, path, store } = await place(t);
  const saved = store();
  saved.save(record('T1'));
  await saved.close();
  const real = join(directory, 'elsewhere.json');
  await rename(path, real);
  await symlink(real, path);
  const again = store();
  again.save(record('T2'));
  await again.close();
  t.true((await lstat(path)).isSymbolicLink());
  t.regex(await readFile(real, 'utf8'), /T2/);
});

test('a file of another owner keeps its mode when it is set aside', async (t) => {
  const { directory, path, store } = await place(t);
  await writeFile(path, 'not ours', { mode: 0o644 });
  await store().load('wx1', 'stable');
  const [aside = ''] = (await readdir(directory)).filter((name) => name.includes('.corrupt-'));
  t.is((await stat(join(directory, aside))).mode & 0o777, 0o644);
});

test('a directory in place of the file is left alone, and tokens are kept in memory', async (t) => {
  const it = await place(t);
  await mkdir(it.path);
  await writeFile(join(it.path, 'somebodys'), 'data');
  const store = it.store();
  t.is(await valueIn(store), undefined);
  store.save(record('kept'));
  await store.close();
  t.is(await valueIn(store), 'kept');
  t.deepEqual(await readdir(it.path), ['somebodys']);
  t.is(it.lines.length, 1);
});

test('an unwritable file is reported once, and written when that is possible', async (t) => {
  const it = await place(t);
  const inner = join(it.directory, 'absent');
  const log: Log = {
    ...silentLog,
    error: (event) => it.lines.push(event),
    info: (event) => it.lines.push(event),
  };
  const path = join(inner, 'tokens.json');
  const store = new FileRecords({ path, clock: it.clock, random: systemRandom, log });
  store.save(record('one'));
  await store.close();
  store.save(record('two'));
  await store.close();
  t.deepEqual(it.lines, ['token file cannot be written; tokens are kept in memory']);
  t.is(await valueIn(store), 'two');
  await mkdir(inner);
  store.save(record('three'));
  await store.close();
  t.is(it.lines.at(-1), 'token file is writable again');
  t.is(await valueIn(new FileRecords({ path, clock: it.clock, random: systemRandom, log })), 'three');
});

test('a file that could not be read at first is read and written when that is possible, and loses nothing', async (t) => {
  const { directory, path, clock, lines, store } = await place(t);
  const first = store();
  first.save(record('old', { appid: 'wxold' }));
  await first.written();
  await first.close();
  await rename(path, join(directory, 'aside'));
  // A link to itself can be looked up by nobody, root included.
  await symlink(path, path);
  const second = store();
  t.is(await second.load('wxold', 'stable'), undefined);
  second.save(record('new', { appid: 'wxnew' }));
  await second.written();
  clock.advance(30_000);
  await second.written();
  t.is(lines.filter((line) => line.includes('cannot be used')).length, 1);
  t.true((await lstat(path)).isSymbolicLink());
  await rm(path);
  await rename(join(directory, 'aside'), path);
  clock.advance(30_000);
  await second.written();
  t.true(lines.some((line) => line.includes('token file is writable again')));
  const third = store();
  for (const [appid, value] of [
    ['wxold', 'old'],
    ['wxnew', 'new'],
  ] as const) {
    t.is((await third.load(appid, 'stable'))?.token?.value.reveal(), value);
  }
  for (const each of [second, third]) await each.close();
});

test('obsolete records are not written again', async (t) => {
  const it = await place(t);
  await good(it);
  it.clock.advance(8_000_000);
  const store = it.store();
  await store.load('wx1', 'stable');
  store.save(record('other', { appid: 'wx2', forcedAtUnixMs: [it.clock.unixMs()] }));
  await store.close();
  const text = await readFile(it.path, 'utf8');
  t.false(text.includes('wx1'));
  t.true(text.includes('wx2'));
});

test('leftovers of a crash are removed, and nothing else', async (t) => {
  const it = await place(t);
  const names = [
    'tokens.json.0123abcd.tmp',
    'tokens.json.89abcdef.tmp',
    'tokens.json.mine.tmp',
    'other.0123abcd.tmp',
  ];
  for (const name of names) await writeFile(join(it.directory, name), '');
  const longAgo = new Date(NOW_MS - 3_600_000);
  for (const name of names) await utimes(join(it.directory, name), longAgo, longAgo);
  const justNow = new Date(NOW_MS - 1_000);
  await utimes(join(it.directory, 'tokens.json.89abcdef.tmp'), justNow, justNow);
  await valueIn(it.store());
  t.deepEqual((await readdir(it.directory)).toSorted(), names.slice(1).toSorted());
});

test('a token dated ahead of the clock gets the current time in the file, so that restarts do not lengthen its lifetime', async (t) => {
  const { store, path, clock } = await place(t);
  const first = store();
  const aheadMs = NOW_MS + 3 * 3_600_000;
  const token = { value: new Secret('ahead'), issuedAtUnixMs: aheadMs, expiresAtUnixMs: aheadMs + 7_200_000 };
  first.save(record('', { token, forcedAtUnixMs: [aheadMs] }));
  await first.close();
  const second = store();
  t.is((await second.load('wx1', 'stable'))?.token?.expiresAtUnixMs, NOW_MS + 7_200_000);
  await second.close();
  clock.advance(3_600_000);
  const third = store();
  const found = await third.load('wx1', 'stable');
  t.is(found?.token?.expiresAtUnixMs, NOW_MS + 7_200_000);
  t.deepEqual(found?.forcedAtUnixMs, [NOW_MS]);
  await third.close();
  t.false((await readFile(path, 'utf8')).includes(String(aheadMs)));
});
