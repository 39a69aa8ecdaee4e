import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { prepareTrust } from '../../src/proxy/transparent/trust-files.ts';
import { API_HOSTS } from '../../src/wechat/hosts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startTestProxy } from '../support/proxy.ts';
import { ask } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('the certificate is for the API names only, and cannot sign others', async (t) => {
  const folder = temporaryFolder(t);
  const folders = { trust: join(folder, 'trust'), key: join(folder, 'key') };
  const files = await prepareTrust(folders, new ManualClock());
  const certificate = new X509Certificate(readFileSync(files.certFile));
  t.false(certificate.ca);
  for (const host of API_HOSTS) t.is(certificate.checkHost(host), host);
  for (const host of ['localhost', 'mp.weixin.qq.com', 'example.com'])
    t.is(certificate.checkHost(host), undefined);
  t.is(statSync(files.keyFile).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(folders.trust).toSorted(), [
    'bundle.pem',
    'hashed',
    'php',
    'trust.jks',
    'wechat.pem',
  ]);
  const phpSettings = 'php/wechat-sidecar.ini';
  for (const path of ['wechat.pem', 'bundle.pem', 'trust.jks', 'hashed/2b69def2.0', phpSettings]) {
    const content = readFileSync(join(folders.trust, path));
    t.notRegex(content.toString('latin1'), /PRIVATE KEY/, path);
    t.is(statSync(join(folders.trust, path)).mode & 0o444, 0o444, path);
  }
  const where = join(folders.trust, 'bundle.pem');
  t.is(
    readFileSync(join(folders.trust, phpSettings), 'utf8'),
    `curl.cainfo="${where}"\nopenssl.cafile="${where}"\n`,
  );
  const bundle = readFileSync(where, 'utf8');
  t.true((bundle.match(/BEGIN CERTIFICATE/g)?.length ?? 0) > 50);
});

test('a restarted sidecar uses the certificate that programs beside it already trust', async (t) => {
  const folder = temporaryFolder(t);
  const folders = { trust: join(folder, 'trust'), key: join(folder, 'key') };
  const clock = new ManualClock();
  const { certFile, keyFile } = await prepareTrust(folders, clock);
  const first = readFileSync(certFile, 'utf8');
  clock.advance(400 * 86_400_000);
  await prepareTrust(folders, clock);
  t.is(readFileSync(certFile, 'utf8'), first);
  writeFileSync(keyFile, 'damaged');
  await prepareTrust(folders, clock);
  t.not(readFileSync(certFile, 'utf8'), first);
  t.is(readFileSync(join(folders.trust, 'wechat.pem'), 'utf8'), readFileSync(certFile, 'utf8'));
});

test('a call to the host name of the API is served over HTTPS as any other, and drained with them', async (t) => {
  const folder = temporaryFolder(t);
  const simulator = await startSimulator(t);
  const proxy = await startTestProxy(t, [simulator.origin], {
    WECHAT_SIDECAR_TRANSPARENT_LISTEN: '127.0.0.1:0',
    WECHAT_SIDECAR_TRANSPARENT_TRUST_FOLDER: join(folder, 'trust'),
    WECHAT_SIDECAR_TRANSPARENT_KEY_FOLDER: join(folder, 'key'),
  });
  const port = proxy.role.addresses
    .map((address) => address.split(':').at(-1))
    .find((text) => text !== String(proxy.port));
  const ca = readFileSync(join(folder, 'trust', 'wechat.pem'), 'utf8');
  const reply = await ask(`https://127.0.0.1:${port}/cgi-bin/getcallbackip`, {
    ca,
    headers: { host: 'api.weixin.qq.com' },
  });
  t.truthy(reply.json()['ip_list']);
  await proxy.role.drain({ delayMs: 0, timeoutMs: 1_000 });
  await t.throwsAsync(ask(`https://127.0.0.1:${port}/`, { ca, headers: { host: 'api.weixin.qq.com' } }));
});

test('folders that cannot be written prevent the start, with an explanation', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const simulator = await startSimulator(t);
  const started = startTestProxy(t, [simulator.origin], {
    WECHAT_SIDECAR_TRANSPARENT_LISTEN: '127.0.0.1:0',
    WECHAT_SIDECAR_TRANSPARENT_KEY_FOLDER: join(file, 'key'),
  });
  const error = await t.throwsAsync(started);
  t.regex(
    error?.message ?? '',
    /^Cannot serve HTTPS for WECHAT_SIDECAR_TRANSPARENT_LISTEN .*cannot write \/.*file\/key/,
  );
});
