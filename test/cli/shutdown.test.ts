import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { shutdown } from '../../src/cli/shutdown.ts';

async function admin(t: ExecutionContext, status: number): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host?.split(':')[0]}`);
    response.writeHead(status).end('stopping');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, seen };
}

test('it requests the stop at the admin port of this machine, and returns once the sidecar agrees', async (t) => {
  const { port, seen } = await admin(t, 200);
  for (const host of ['0.0.0.0', 'localhost', '127.0.0.1']) {
    const { exitCode, text } = await shutdown({ host, port });
    t.is(exitCode, 0);
    t.regex(text, /agreed to stop: it finishes the calls in flight/);
  }
  t.deepEqual(seen, Array(3).fill('POST /quitquitquit localhost'));
});

test('if nothing listens it says so, and exits with 1', async (t) => {
  const { exitCode, text } = await shutdown({ host: '0.0.0.0', port: 3881 }, () =>
    Promise.resolve({ kind: 'failed', reason: 'ECONNREFUSED' }),
  );
  t.is(exitCode, 1);
  t.regex(text, /^No sidecar can be stopped at 127\.0\.0\.1:3881 \(adminListen\): nothing listens there/);
});

test('a refusal is reported with its status', async (t) => {
  const { port } = await admin(t, 403);
  const { exitCode, text } = await shutdown({ host: '127.0.0.1', port });
  t.is(exitCode, 1);
  t.regex(text, /refuses to stop, with HTTP 403/);
});
