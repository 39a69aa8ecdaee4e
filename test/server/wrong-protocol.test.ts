import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeLog } from '../../src/base/log.ts';
import { listen, type ListenOptions } from '../../src/server/listen.ts';
import { makeTestCertificate } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { rawCall } from '../support/raw-call.ts';
import { ask } from '../support/simulator-client.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Bench {
  readonly port: number;
  readonly clock: ManualClock;
  readonly lines: () => readonly Record<string, unknown>[];
}

async function start(t: ExecutionContext, over: Partial<ListenOptions> = {}): Promise<Bench> {
  const clock = new ManualClock();
  const lines: string[] = [];
  const { port, close } = await listen({
    handler: (_request, response) => response.end('hello'),
    host: '127.0.0.1',
    port: 0,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
    clock,
    log: makeLog('info', clock, (line) => void lines.push(line)),
    ...over,
  });
  t.teardown(close);
  return { port, clock, lines: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('TLS on a plain port is logged, a few times in every ten seconds', async (t) => {
  const { port, clock, lines } = await start(t);
  const call = () => t.throwsAsync(ask(`https://127.0.0.1:${port}/cgi-bin/user/info?secret=s3cr3t`));
  await call();
  t.like(lines()[0], {
    level: 'warn',
    event: 'TLS received on a plain HTTP port',
    port,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
  });
  for (let calls = 0; calls < 10; calls += 1) await call();
  t.is(lines().length, 5);
  clock.advance(10_000);
  await call();
  t.is(lines().at(-1)?.['suppressed'], 6);
  await rawCall(port, 'GET / HTTP/1.1\r\nbroken\r\n\r\n');
  await rawCall(port, 'GET / HTTP/1.0\r\n\r\n');
  t.is(lines().length, 6, 'what is no TLS is another matter');
});

test('plain HTTP on a TLS port is logged too', async (t) => {
  const folder = temporaryFolder(t);
  const { cert, key } = await makeTestCertificate('one.test');
  const tls = { certFile: join(folder, 'crt'), keyFile: join(folder, 'key') };
  writeFileSync(tls.certFile, cert);
  writeFileSync(tls.keyFile, key);
  const { port, lines } = await start(t, { tls });
  await t.throwsAsync(ask(`http://127.0.0.1:${port}/`));
  t.like(lines().at(-1), {
    level: 'warn',
    event: 'plain HTTP received on an HTTPS port',
    port,
  });
});
