import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { openOutput, pipeOutput, WAITING_BYTES_MAX } from '../../src/cli/output.ts';
import { freePort } from '../support/free-port.ts';

const CLI = join(import.meta.dirname, '../../../dist/cli.js');

test('output to a file is written immediately', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'output-')), 'log');
  const fd = openSync(path, 'w');
  const output = openOutput(fd);
  output.write('one\n');
  output.write('two\n');
  t.is(readFileSync(path, 'utf8'), 'one\ntwo\n');
  await output.flushed();
  closeSync(fd);
  // A descriptor that is gone, or a disk that is full, ends nothing.
  t.notThrows(() => output.write('three\n'));
});

/** A pipe whose reader reads nothing until it is told to. */
async function unread(t: { teardown(run: () => void): void }): Promise<{ writer: Socket; reader: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const writer = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [reader] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => {
    writer.destroy();
    reader.destroy();
    server.close();
  });
  return { writer, reader };
}

test('a reader that stalls takes a bounded amount of memory, and never blocks', async (t) => {
  const { writer } = await unread(t);
  const output = pipeOutput(writer);
  const line = 'x'.repeat(10_000);
  for (let count = 0; count < 2_000; count += 1) output.write(line);
  t.true(writer.writableLength <= WAITING_BYTES_MAX + 4 * 1024 * 1024);
  t.true(writer.writableLength > 0);
});

test('a text that is larger than the buffer is written completely if the buffer is empty', async (t) => {
  const { writer, reader } = await unread(t);
  const output = pipeOutput(writer);
  const text = 'x'.repeat(3 * WAITING_BYTES_MAX);
  output.write(text);
  let bytes = 0;
  reader.on('data', (chunk) => (bytes += chunk.length)).resume();
  await output.flushed();
  while (bytes < text.length) await once(reader, 'data');
  t.is(bytes, text.length);
});

test('a reader that disconnects ends neither the writing nor the process', async (t) => {
  const { writer, reader } = await unread(t);
  const output = pipeOutput(writer);
  output.write('one\n');
  reader.destroy();
  await once(writer, 'close');
  output.write('two\n');
  await t.notThrowsAsync(output.flushed());
});

const ENV = {
  PATH: process.env['PATH'],
  WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
  WECHAT_SIDECAR_LOG_LEVEL: 'debug',
};
const ACCOUNT = {
  WECHAT_APPID: 'wx0123456789abcdef',
  WECHAT_APPSECRET: '0123456789abcdef0123456789abcdef',
  WECHAT_SIDECAR_UPSTREAMS: 'http://127.0.0.1:1',
};
const ROLES = {
  demo: {},
  simulator: {},
  proxy: ACCOUNT,
  hub: ACCOUNT,
  injector: {
    WECHAT_INJECTOR_IMAGE: 'wechat-sidecar:1',
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: '1',
  },
};

/**
 * What becomes of standard output and standard error. A reader that leaves is EPIPE, and a full disk ENOSPC. A used-up
 * quota (EDQUOT) cannot be had without a file system of its own, and no code is treated differently from another.
 */
type Fate =
  'is closed from the start' | 'is full' | 'is on a broken disk' | 'has no reader any more' | 'is never read';

/** Nothing is mapped at the first address of a process, where its memory is written: EIO. */
const FILES: Partial<Record<Fate, string>> = {
  'is full': '/dev/full',
  'is on a broken disk': '/proc/self/mem',
};

test('what stands for a broken disk is one', (t) => {
  for (const [fate, code] of [
    ['is full', 'ENOSPC'],
    ['is on a broken disk', 'EIO'],
  ] as const) {
    const fd = openSync(FILES[fate] ?? '', constants.O_WRONLY);
    t.throws(() => writeSync(fd, 'one'), { code });
    const output = openOutput(fd);
    t.notThrows(() => output.write('two'));
    closeSync(fd);
  }
});

function startWith(
  t: ExecutionContext,
  fate: Fate,
  command: string,
  env: Record<string, string>,
): Promise<number | null> & { readonly child: ChildProcess } {
  const run = [process.execPath, CLI, command];
  const shell = fate === 'is closed from the start' ? ['sh', '-c', 'exec "$@" >&- 2>&-', 'sh'] : [];
  const [program = '', ...args] = [...shell, ...run];
  const file = FILES[fate];
  const fd = file === undefined ? undefined : openSync(file, constants.O_WRONLY);
  const child = spawn(program, args, {
    stdio: ['ignore', fd ?? 'pipe', fd ?? 'pipe'],
    env: { ...ENV, ...env },
  });
  if (fd !== undefined) closeSync(fd);
  t.teardown(() => child.kill('SIGKILL'));
  if (fate === 'has no reader any more') {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
  return Object.assign(
    once(child, 'exit').then(([code]) => code as number | null),
    { child },
  );
}

for (const fate of [
  'is closed from the start',
  'is full',
  'is on a broken disk',
  'has no reader any more',
  'is never read',
] as const) {
  for (const [role, env] of Object.entries(ROLES)) {
    test.serial(`a ${role} whose standard output ${fate} serves, and ends when it is asked to`, async (t) => {
      const port = await freePort();
      const exited = startWith(t, fate, role, { ...env, WECHAT_SIDECAR_ADMIN_LISTEN: `127.0.0.1:${port}` });
      while (exited.child.exitCode === null && !(await isLive(port))) await pause(20);
      exited.child.kill('SIGTERM');
      t.is(await exited, 0);
    });
  }

  test.serial(`commands whose standard output ${fate} terminate`, async (t) => {
    t.is(await startWith(t, fate, '--help', {}), 0);
    // There is no such platform.
    t.is(await startWith(t, fate, 'check', ACCOUNT), 1);
    t.is(await startWith(t, fate, 'proxy', { WECHAT_SIDECAR_LISTEN: 'nonsense' }), 78);
  });
}

function isLive(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/livez`).then(
    ({ ok }) => ok,
    () => false,
  );
}
