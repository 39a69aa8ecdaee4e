import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { makeLog } from '../../src/base/log.ts';
import { loadSettings, readTextFile } from '../../src/settings/load.ts';
import { watchSettings, type SettingsWatch } from '../../src/settings/watch.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { ManualClock } from '../support/manual-clock.ts';

const POLL_MS = 30_000;

interface Watched {
  readonly watch: SettingsWatch;
  readonly applied: Settings[];
  /** The events logged since the last call, each with its fields. */
  readonly said: () => string;
  readonly put: (files: Record<string, string>) => void;
  readonly folder: string;
}

/** A folder with `a.yaml`, and whatever else a test puts there, followed as a proxy's settings. */
function start(t: ExecutionContext, clock: Clock, files: Record<string, string>): Watched {
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const put = (texts: Record<string, string>): void => {
    for (const [name, text] of Object.entries(texts))
      writeFileSync(join(folder, name), text.replaceAll('HERE', folder));
  };
  put(files);
  return { ...follow(t, clock, join(folder, 'a.yaml')), put, folder };
}

function follow(
  t: ExecutionContext,
  clock: Clock,
  configFile: string,
): Pick<Watched, 'watch' | 'applied' | 'said'> {
  const place = { env: {}, role: 'proxy', configFile } as const;
  const started = loadSettings(place, readTextFile);
  if (started.kind === 'bad') throw new Error(started.problems.join('\n'));
  const lines: string[] = [];
  const applied: Settings[] = [];
  const log = makeLog('info', clock, (line) => void lines.push(line));
  const watch = watchSettings(started, {
    location: place,
    readFile: readTextFile,
    clock,
    log,
    apply: (settings) => void applied.push(settings),
  });
  t.teardown(() => watch.close());
  return { watch, applied, said: () => lines.splice(0).join('') };
}

const app = (secret: string): string => `apps: [{ appid: abc, secret: ${secret} }]\n`;

test('a changed file is applied, and an unchanged one is not read twice', (t) => {
  const clock = new ManualClock();
  const { applied, put } = start(t, clock, { 'a.yaml': app('one') });
  clock.advance(POLL_MS);
  t.is(applied.length, 0);
  put({ 'a.yaml': `${app('two')}errorStatus: http` });
  clock.advance(POLL_MS);
  clock.advance(POLL_MS);
  t.is(applied.length, 1);
  t.is(applied[0]?.apps[0]?.secret.reveal(), 'two');
  t.is(applied[0]?.errorStatus, 'http');
});

test('a change of only a secret file is applied', (t) => {
  const clock = new ManualClock();
  const yaml = 'apps: [{ appid: abc, secretFile: HERE/secret }]';
  const { applied, put } = start(t, clock, { secret: 'one', 'a.yaml': yaml });
  put({ secret: 'two\n' });
  clock.advance(POLL_MS);
  t.deepEqual(
    applied.map((settings) => settings.apps[0]?.secret.reveal()),
    ['two'],
  );
});

test('an invalid file is refused, reported once for each content, and the next valid one is applied', (t) => {
  const clock = new ManualClock();
  const { applied, put, said } = start(t, clock, { 'a.yaml': app('one') });
  put({ 'a.yaml': `${app('two')}errorStatus: teapot` });
  clock.advance(POLL_MS);
  t.regex(said(), /errorStatus .*teapot.*rejected; the old ones stay in force/);
  clock.advance(10 * POLL_MS);
  t.is(said(), '');
  put({ 'a.yaml': 'apps: [' });
  clock.advance(POLL_MS);
  t.regex(said(), /not valid YAML.*rejected/);
  t.is(applied.length, 0);
  put({ 'a.yaml': app('three') });
  clock.advance(POLL_MS);
  t.is(applied[0]?.apps[0]?.secret.reveal(), 'three');
});

test('a removed file changes nothing until it is back', (t) => {
  const clock = new ManualClock();
  const { applied, put, said, folder } = start(t, clock, { 'a.yaml': app('one') });
  rmSync(join(folder, 'a.yaml'));
  clock.advance(POLL_MS);
  t.regex(said(), /there is no file.*rejected/);
  put({ 'a.yaml': app('one') });
  clock.advance(POLL_MS);
  t.regex(said(), /reloaded without changes/);
  t.is(applied.length, 0);
});

test('a missing secret file is noticed when it appears', (t) => {
  const clock = new ManualClock();
  const { applied, put } = start(t, clock, { 'a.yaml': app('one') });
  put({ 'a.yaml': 'apps: [{ appid: abc, secretFile: HERE/late }]' });
  clock.advance(POLL_MS);
  t.is(applied.length, 0);
  put({ late: 'two' });
  clock.advance(POLL_MS);
  t.is(applied[0]?.apps[0]?.secret.reveal(), 'two');
});

test('a setting that needs a restart is named, once, and never its value', (t) => {
  const clock = new ManualClock();
  const { put, said } = start(t, clock, { 'a.yaml': app('one') });
  put({ 'a.yaml': `${app('one')}store: redis://:hunter2@redis\nlisten: localhost:1\nlogLevel: debug` });
  clock.advance(POLL_MS);
  const lines = said();
  t.regex(lines, /"settings":\["listen","store\.url"\],"event":"changed settings need a restart/);
  t.notRegex(lines, /hunter2/);
  put({ 'a.yaml': `${app('two')}store: redis://:hunter2@redis\nlisten: localhost:1` });
  clock.advance(POLL_MS);
  t.notRegex(said(), /restart/);
});

test('what needs a restart is applied as it was at the start, and the rest of the file as it is', (t) => {
  const clock = new ManualClock();
  const { applied, put } = start(t, clock, { 'a.yaml': `${app('one')}upstreams: [https://old.example]` });
  put({ 'a.yaml': `${app('two')}upstreams: [https://new.example]\nlimits: { inFlight: 7 }` });
  clock.advance(POLL_MS);
  t.is(applied[0]?.apps[0]?.secret.reveal(), 'two');
  t.deepEqual(applied[0]?.upstreams, ['https://old.example']);
  t.not(applied[0]?.limits.inFlightMax, 7);
  put({ 'a.yaml': `${app('three')}upstreams: [https://old.example]` });
  clock.advance(POLL_MS);
  t.is(applied[1]?.apps[0]?.secret.reveal(), 'three');
});

test('settings that make sense only with others that need a restart wait for it, too', (t) => {
  const clock = new ManualClock();
  const { applied, put, said } = start(t, clock, { 'a.yaml': app('one'), key: 'k'.repeat(40) });
  put({ 'a.yaml': 'hub: { url: https://hub.example, tokenFile: HERE/key }' });
  clock.advance(POLL_MS);
  t.regex(said(), /no account.*new settings wait for a restart/s);
  t.is(applied.length, 0);
  put({ 'a.yaml': app('two') });
  clock.advance(POLL_MS);
  t.is(applied[0]?.apps[0]?.secret.reveal(), 'two');
});

test('a store that only a start can change keeps nothing else from taking effect', (t) => {
  const redis = 'store: { url: redis://redis, keyPrefix: "x:", encryptionKeyFile: HERE/k1 }\n';
  const other = redis.replace('k1', 'k2');
  for (const next of ['store: memory\n', other, other.replace('"x:"', '"y:"')]) {
    const clock = new ManualClock();
    const keys = { k1: 'a'.repeat(64), k2: 'b'.repeat(64) };
    const { applied, put, said, folder } = start(t, clock, { ...keys, 'a.yaml': app('one') + redis });
    rmSync(join(folder, 'k1'));
    put({ 'a.yaml': app('two') + next });
    clock.advance(POLL_MS);
    t.is(applied[0]?.apps[0]?.secret.reveal(), 'two', `${next} ${said()}`);
    t.like(applied[0]?.store, { kind: 'redis', keyPrefix: 'x:' });
  }
});

test('what waits for a restart is not called unchanged', (t) => {
  const clock = new ManualClock();
  const { put, said, watch } = start(t, clock, { 'a.yaml': app('one'), key: 'k'.repeat(40) });
  put({ 'a.yaml': 'hub: { url: https://hub.example, tokenFile: HERE/key }' });
  clock.advance(POLL_MS);
  said();
  watch.reload();
  t.regex(said(), /new settings wait for a restart/);
});

test('peers that may connect are not taken from a listener that stays open to other machines', (t) => {
  const clock = new ManualClock();
  const open = 'listen: 0.0.0.0:3880\nlistenPeers: [10.0.0.7]\n';
  const { applied, put, said } = start(t, clock, { 'a.yaml': app('one') + open });
  put({ 'a.yaml': `${app('two')}listen: localhost:3880` });
  clock.advance(POLL_MS);
  t.regex(said(), /new settings wait for a restart/);
  t.is(applied.length, 0);
});

test('on request it checks immediately, and reports also that nothing has changed', (t) => {
  const { applied, put, said, watch } = start(t, new ManualClock(), { 'a.yaml': app('one') });
  watch.reload();
  t.regex(said(), /reloaded without changes/);
  put({ 'a.yaml': app('two') });
  watch.reload();
  t.is(applied.length, 1);
});

test('a swap of links, as in a mounted ConfigMap, is noticed through the file system', async (t) => {
  // Neither the system's events nor the clock's timers keep the process alive by themselves.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const put = (version: string, text: string): void => {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'a.yaml'), text);
    symlinkSync(version, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  put('..v1', app('one'));
  symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
  const { applied } = follow(t, systemClock, join(folder, 'a.yaml'));
  put('..v2', app('two'));
  // At the latest the poll sees it, after half a minute.
  while (applied.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  t.is(applied[0]?.apps[0]?.secret.reveal(), 'two');
});

test('a file that becomes readable to others at runtime causes a warning, and on request another one', (t) => {
  const clock = new ManualClock();
  const yaml = 'apps: [{ appid: abc, secretFile: HERE/secret }]';
  const { put, said, watch, folder } = start(t, clock, { secret: 'one', 'a.yaml': yaml });
  chmodSync(join(folder, 'secret'), 0o600);
  clock.advance(POLL_MS);
  said();
  chmodSync(join(folder, 'secret'), 0o644);
  clock.advance(POLL_MS);
  t.regex(said(), /every user of this machine may read .*secret \(mode 0644\)/);
  clock.advance(POLL_MS);
  t.is(said(), '');
  watch.reload();
  t.regex(said(), /every user of this machine may read .*reloaded without changes/s);
  chmodSync(join(folder, 'secret'), 0o600);
  put({ secret: 'two' });
  clock.advance(POLL_MS);
  t.notRegex(said(), /every user/);
});
