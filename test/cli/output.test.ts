import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openOutput, pipeOutput, WAITING_BYTES_MAX } from '../../src/cli/output.ts';

const CLI = join(import.meta.dirname, '../../../dist/cli.js');

test('what goes to a file is there at once', async (t) => {
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

test('a reader that does not read costs a bounded amount of memory, and never blocks', async (t) => {
  const { writer } = await unread(t);
  const output = pipeOutput(writer);
  const line = 'x'.repeat(10_000);
  for (let count = 0; count < 2_000; count += 1) output.write(line);
  t.true(writer.writableLength <= WAITING_BYTES_MAX + 4 * 1024 * 1024);
  t.true(writer.writableLength > 0);
});

test('a reader that goes away ends neither the writing nor the process', async (t) => {
  const { writer, reader } = await unread(t);
  const output = pipeOutput(writer);
  output.write('one\n');
  reader.destroy();
  await once(writer, 'close');
  output.write('two\n');
  await t.notThrowsAsync(output.flushed());
});

for (const how of ['is closed', 'is never read'] as const) {
  test(`a process whose standard output ${how} ends when it is asked to`, async (t) => {
    const child = spawn(process.execPath, [CLI, 'demo'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
        WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
        WECHAT_SIDECAR_LOG_LEVEL: 'debug',
      },
    });
    await once(child.stdout, 'data');
    if (how === 'is closed') {
      child.stdout.destroy();
      child.stderr.destroy();
    } else child.stdout.pause();
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    t.is(code, 0);
  });
}
