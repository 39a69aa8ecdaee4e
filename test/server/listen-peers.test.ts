import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import test from 'ava';
import { systemClock } from '../../src/base/clock.ts';
import { type LogFields, silentLog } from '../../src/base/log.ts';
import { readIpRange } from '../../src/base/ip-range.ts';
import { listen } from '../../src/server/listen.ts';
import { keepCertificate } from '../../src/server/certificate.ts';
import { makeTestCertificate } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a peer with this address of loopback gets for a request; empty for one whose connection is closed. */
function askFrom(localAddress: string, port: number, secure: boolean): Promise<string> {
  return new Promise((resolve) => {
    const tcp = connect({ host: '127.0.0.1', port, localAddress });
    const socket = secure ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp;
    let received = '';
    socket.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
    tcp.on('error', () => {});
    socket.on('error', () => {});
    socket.on('close', () => resolve(received));
    socket.write('GET / HTTP/1.0\r\n\r\n');
  });
}

test('an unlisted peer is closed immediately, with TLS and without, and the log names it', async (t) => {
  const folder = temporaryFolder(t);
  const { cert, key } = await makeTestCertificate('listener');
  const files = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  for (const secure of [false, true]) {
    let isOpen = readIpRange('127.0.0.2') ?? (() => false);
    const lines: (LogFields | undefined)[] = [];
    let requests = 0;
    const listener = await listen({
      handler: (_, response) => {
        requests += 1;
        response.end('served');
      },
      host: '127.0.0.1',
      port: 0,
      setting: 'listen',
      clock: systemClock,
      log: { ...silentLog, warn: (_, fields) => void lines.push(fields) },
      mayConnect: (address) => isOpen(address),
      ...(secure && { tls: keepCertificate(files, 'listen', systemClock, silentLog) }),
    });
    t.teardown(() => listener.close());
    t.regex(await askFrom('127.0.0.2', listener.port, secure), /served$/);
    t.is(await askFrom('127.0.0.3', listener.port, secure), '');
    t.deepEqual(lines, [{ setting: 'listen', peer: '127.0.0.3' }]);
    isOpen = readIpRange('127.0.0.3') ?? isOpen;
    t.is(await askFrom('127.0.0.2', listener.port, secure), '');
    t.regex(await askFrom('127.0.0.3', listener.port, secure), /served$/);
    t.is(requests, 2);
  }
});
