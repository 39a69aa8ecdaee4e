import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { makeTestCertificate } from '../support/certificates.ts';
import { ask } from '../support/simulator-client.ts';
import { defaultOf } from '../support/settings-source.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { MIB, ownPeakBytes } from '../support/memory.ts';
import { bytesOf, startPlatform, startWithin, withstand } from './arena.ts';
import { call, probe } from './honest.ts';

const ATTACK_MS = 20_000;
const DOWNLOADS_MS = 10_000;
/** What the stand-in for the platform sends. */
const LARGE_BYTES = 200 * 1_024;
const APPID = 'wx0123456789abcdef';
const SECRET = '0123456789abcdef0123456789abcdef';

test('under attack by a program in its pod, the sidecar keeps serving another one within the memory limit that the injector sets', async (t) => {
  t.timeout(150_000);
  const folder = temporaryFolder(t);
  const platform = await startPlatform(t);
  const target = await startWithin(t, 'proxy', bytesOf(defaultOf('injector.memoryLimit')), {
    secrets: [SECRET],
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: SECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform,
      WECHAT_SIDECAR_TRANSPARENT_LISTEN: '127.0.0.1:0',
      WECHAT_SIDECAR_TRANSPARENT_TRUST_FOLDER: join(folder, 'trust'),
      WECHAT_SIDECAR_TRANSPARENT_KEY_FOLDER: join(folder, 'key'),
    },
  });
  const { role } = target;
  const [, transparent] = (await role.untilLine('serving'))['listen'] as string[];
  const tls = {
    port: Number(transparent?.split(':').at(-1)),
    caFile: join(folder, 'trust', 'wechat.pem'),
  };
  const ca = readFileSync(tls.caFile, 'utf8');
  await withstand(t, {
    target,
    forMs: ATTACK_MS,
    addresses: ['127.0.0.1'],
    tls,
    attacks: [
      'silent',
      'halfHeads',
      'tinyHeaders',
      'slowBytes',
      'bigHeads',
      'pipelines',
      'uploads',
      'downloads',
      'hanging',
      'tlsSilent',
      'tlsHalfHellos',
      'tlsHalfHeads',
      'adminSilent',
      'adminHalfHeads',
      'adminPages',
    ],
    honest: {
      async 'business call'() {
        const { status, text } = await call(`${role.base}/cgi-bin/user/info?openid=o1`);
        t.is(status, 200);
        t.regex(text, /"errcode":0/);
      },
      async 'call with a body'() {
        const asked = { method: 'POST', body: JSON.stringify({ touser: 'o1' }) };
        t.regex((await call(`${role.base}/cgi-bin/message/custom/send`, asked)).text, /"errcode":0/);
      },
      async 'call by the name of the API'() {
        const headers = { host: 'api.weixin.qq.com' };
        const reply = await ask(`https://127.0.0.1:${tls.port}/cgi-bin/user/info?openid=o1`, { ca, headers });
        t.is(reply.json()['errcode'], 0);
      },
      async token() {
        const { text } = await call(`${role.base}/cgi-bin/token?grant_type=client_credential&appid=${APPID}`);
        t.regex(text, /"access_token":"/);
      },
      probe: () => probe(t, role),
    },
  });
});

test('100 downloads at once, again and again, stay within the memory limit that the injector sets', async (t) => {
  t.timeout(60_000);
  const { cert, key } = await makeTestCertificate('platform');
  const folder = temporaryFolder(t);
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const platform = await startPlatform(t, [certFile, keyFile]);
  const limitBytes = bytesOf(defaultOf('injector.memoryLimit'));
  const { role } = await startWithin(t, 'proxy', limitBytes, {
    secrets: [SECRET],
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: SECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform,
      WECHAT_SIDECAR_TLS_CA_FILE: certFile,
    },
  });
  const endsMs = performance.now() + DOWNLOADS_MS;
  const counts = await Promise.all(Array.from({ length: 100 }, () => downloads(role.port, endsMs)));
  const peak = ownPeakBytes(role.pid);
  const all = counts.reduce((sum, count) => sum + count, 0);
  t.true(all > 100, `${all} downloads`);
  t.log(`${all} downloads; at most ${Math.round(peak / MIB)} MiB of ${limitBytes / MIB}`);
  t.true(peak < limitBytes, `${Math.round(peak / MIB)} MiB`);
});

/**
 * One download after the other on one connection until then; how many there were. Looks at nothing but the lengths: on a busy machine
 * some calls get our own error, because a TLS connection takes too long.
 */
function downloads(port: number, endsMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let [count, length, left] = [0, 0, 0];
    const next = (): void =>
      void socket.write('GET /cgi-bin/media/get?media_id=large HTTP/1.1\r\nHost: localhost\r\n\r\n');
    socket.on('connect', next).on('error', reject);
    socket.on('close', () => reject(new Error(`closed, with ${left} bytes to come`)));
    socket.on('data', (bytes: Buffer) => {
      const bodyAt = left === 0 ? bytes.indexOf('\r\n\r\n') + 4 : 0;
      if (left === 0) {
        length = Number(/content-length: (\d+)/i.exec(bytes.toString('latin1', 0, bodyAt))?.[1]);
        left = length;
      }
      left -= bytes.length - bodyAt;
      if (left > 0) return;
      if (length === LARGE_BYTES) count += 1;
      if (performance.now() < endsMs) next();
      else resolve(count);
    });
  });
}
