import { writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeTestCertificate, type TestCertificate } from '../support/certificates.ts';
import { until } from '../support/hub-proxy.ts';
import { RoleProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary.ts';

const APPID = 'wx0123456789abcdef';
const TOKEN = 'T'.repeat(64);
/** A token of another account: it passes unchanged, over connections of another client than our own calls. */
const FOREIGN = 'F'.repeat(64);

async function serveOver(
  t: ExecutionContext,
  { cert, key }: TestCertificate,
  handler: RequestListener,
): Promise<{ readonly server: Server; readonly origin: string }> {
  const server = createServer({ cert, key }, handler);
  // One connection each, so that the certificate is verified each time.
  server.maxRequestsPerSocket = 1;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const platform: RequestListener = (request, response) => {
  const isToken = request.url?.startsWith('/cgi-bin/stable_token') === true;
  response.end(JSON.stringify(isToken ? { access_token: TOKEN, expires_in: 7200 } : { ip_list: [] }));
  request.resume();
};

function show(server: Server, { cert, key }: TestCertificate): void {
  server.setSecureContext({ cert, key });
}

async function answer(base: string, query = ''): Promise<Record<string, unknown>> {
  const reply = await fetch(`${base}/cgi-bin/getcallbackip${query}`);
  return (await reply.json()) as Record<string, unknown>;
}

test('tls.caFile makes an upstream with a private CA trusted on every route, and can be changed at runtime', async (t) => {
  const [one, two] = [await makeTestCertificate('one'), await makeTestCertificate('two')];
  const { server, origin } = await serveOver(t, one, platform);
  const folder = temporaryFolder(t);
  const [caFile, extraFile] = [join(folder, 'ca.pem'), join(folder, 'extra.pem')];
  const extra = await makeTestCertificate('extra');
  writeFileSync(caFile, `${two.cert}\n${one.cert}`);
  writeFileSync(extraFile, extra.cert);
  const { base } = await new RoleProcess(t, 'proxy', {
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: '0123456789abcdef0123456789abcdef',
      WECHAT_SIDECAR_UPSTREAMS: origin,
      WECHAT_SIDECAR_TLS_CA_FILE: caFile,
      NODE_EXTRA_CA_CERTS: extraFile,
    },
  }).untilServing();
  const ways = async (): Promise<boolean[]> =>
    Promise.all(
      ['', `?access_token=${FOREIGN}`].map(async (query) => 'ip_list' in (await answer(base, query))),
    );
  t.deepEqual(await ways(), [true, true]);

  const three = await makeTestCertificate('three');
  show(server, three);
  await until(async () => (await ways()).every((isGood) => !isGood));
  writeFileSync(caFile, three.cert);
  await until(async () => (await ways()).every(Boolean));
  // A CA that is removed from the file is not trusted any more.
  show(server, one);
  await until(async () => (await ways()).every((isGood) => !isGood));
  show(server, extra);
  await until(async () => (await ways()).every(Boolean));
});

test('tls.caFile makes a hub with a private CA trusted, and a file without a certificate changes nothing', async (t) => {
  const hubCertificate = await makeTestCertificate('hub');
  const { origin: upstream } = await serveOver(t, hubCertificate, platform);
  const folder = temporaryFolder(t);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const caFile = file('ca.pem', hubCertificate.cert);
  const key = file('key', 'client-key-0123456789abcdef');
  const { port: hubPort } = await new RoleProcess(t, 'hub', {
    env: {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: '0123456789abcdef0123456789abcdef',
      WECHAT_HUB_CLIENT_KEY_FILE: key,
      WECHAT_SIDECAR_UPSTREAMS: upstream,
      WECHAT_SIDECAR_TLS_CERT_FILE: file('tls.crt', hubCertificate.cert),
      WECHAT_SIDECAR_TLS_KEY_FILE: file('tls.key', hubCertificate.key),
      WECHAT_SIDECAR_TLS_CA_FILE: caFile,
    },
  }).untilServing();
  const proxy = await new RoleProcess(t, 'proxy', {
    env: {
      WECHAT_SIDECAR_HUB_URL: `https://127.0.0.1:${hubPort}`,
      WECHAT_SIDECAR_HUB_TOKEN_FILE: key,
      WECHAT_SIDECAR_UPSTREAMS: upstream,
      WECHAT_SIDECAR_TLS_CA_FILE: caFile,
    },
  }).untilServing();
  await until(async () => 'ip_list' in (await answer(proxy.base)));
  writeFileSync(caFile, 'nonsense');
  await proxy.untilLine('new settings rejected; the old ones stay in force');
  t.true('ip_list' in (await answer(proxy.base)));
});
