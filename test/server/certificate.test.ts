import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { connect } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { makeLog, type Log } from '../../src/base/log.ts';
import { listen } from '../../src/server/listen.ts';
import { ListenError } from '../../src/server/listen-error.ts';
import { makeTestCertificate } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { rawCall } from '../support/raw-call.ts';

const one = await makeTestCertificate('one.test');
const two = await makeTestCertificate('two.test');

interface Mounted {
  readonly certFile: string;
  readonly keyFile: string;
  /** Swaps the contents as a kubelet does: a new folder, then the link `..data` renamed over the old one. */
  put(pair: { cert: string; key: string }): void;
}

function mount(t: ExecutionContext, pair: { cert: string; key: string }): Mounted {
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  let version = 0;
  const put: Mounted['put'] = ({ cert, key }) => {
    version += 1;
    mkdirSync(join(folder, `..v${version}`));
    writeFileSync(join(folder, `..v${version}`, 'tls.crt'), cert);
    writeFileSync(join(folder, `..v${version}`, 'tls.key'), key);
    symlinkSync(`..v${version}`, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  put(pair);
  symlinkSync('..data/tls.crt', join(folder, 'tls.crt'));
  symlinkSync('..data/tls.key', join(folder, 'tls.key'));
  return { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key'), put };
}

async function start(
  t: ExecutionContext,
  tls: Mounted,
): Promise<{ port: number; clock: ManualClock; lines: string[] }> {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log: Log = makeLog('info', clock, (line) => void lines.push(line));
  const listener = await listen({
    handler: (_request, response) => response.end('secure'),
    host: '127.0.0.1',
    port: 0,
    setting: 'listen',
    tls: { certFile: tls.certFile, keyFile: tls.keyFile },
    clock,
    log,
  });
  t.teardown(() => listener.close());
  return { port: listener.port, clock, lines };
}

/** The name in the certificate that the server shows. */
async function shownName(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return String(name);
}

test('a new pair is used for new connections, without a restart', async (t) => {
  const files = mount(t, one);
  const { port, clock, lines } = await start(t, files);
  t.is(await shownName(port), one.name);
  files.put(two);
  clock.advance(30_000);
  t.is(await shownName(port), two.name);
  t.regex(lines.join(''), /certificate reloaded/);
});

test('a change is noticed through the file system immediately, and not only by the next check', async (t) => {
  const files = mount(t, one);
  const { port, clock } = await start(t, files);
  files.put(two);
  // Events come when the system pleases; the clock stays far below the half minute between two looks.
  for (let n = 0; n < 100 && (await shownName(port)) === one.name; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(200);
  }
  t.is(await shownName(port), two.name);
});

test('a pair that does not match is refused with one log line, and the old one stays', async (t) => {
  const files = mount(t, one);
  const { port, clock, lines } = await start(t, files);
  files.put({ cert: two.cert, key: one.key });
  for (let n = 0; n < 5; n += 1) clock.advance(30_000);
  t.is(await shownName(port), one.name);
  t.is(lines.filter((line) => line.includes('new certificate rejected')).length, 1);
  t.notRegex(lines.join(''), /PRIVATE KEY/);
  files.put(two);
  clock.advance(30_000);
  t.is(await shownName(port), two.name);
});

test('an unusable first pair prevents the start, with the files and the setting in the message', async (t) => {
  const files = mount(t, { cert: two.cert, key: one.key });
  const error = await t.throwsAsync(start(t, files), { instanceOf: ListenError });
  t.true(error?.message.includes(files.certFile));
  t.regex(error?.message ?? '', /^Cannot serve HTTPS for listen/);
});

test('a connection without TLS to the HTTPS port is closed and affects nobody', async (t) => {
  const files = mount(t, one);
  const { port } = await start(t, files);
  await rawCall(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  t.is(await shownName(port), one.name);
});

test('our own certificate is reported while it has expired or is not valid yet, until a valid one is there', async (t) => {
  const startMs = new ManualClock().unixMs();
  const at = (hours: number): Date => new Date(startMs + hours * 3_600_000);
  const short = await makeTestCertificate('short.test', { notBeforeDate: at(1.5), notAfterDate: at(3.5) });
  const long = await makeTestCertificate('long.test', { notBeforeDate: at(0), notAfterDate: at(1_000) });
  const files = mount(t, short);
  const { clock, lines } = await start(t, files);
  const told = (words: string): number => lines.filter((line) => line.includes(words)).length;
  t.is(told('is not valid yet'), 1);
  clock.advance(2.5 * 3_600_000);
  t.deepEqual([told('is not valid yet'), told('has expired')], [1, 0]);
  clock.advance(3 * 3_600_000);
  t.is(told('has expired'), 1);
  files.put(long);
  clock.advance(30_000);
  clock.advance(2 * 3_600_000);
  t.deepEqual([told('is not valid yet'), told('has expired')], [1, 1]);
});
