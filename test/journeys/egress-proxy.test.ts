import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/base/clock.ts';
import { makeCertificate } from '../../src/simulator/certificate.ts';
import {
  startStubProxy,
  startTinyproxy,
  tinyproxyTest,
  tunnel,
  type StubProxy,
} from '../support/forward-proxy.ts';
import { BASIC, FOREIGN, PASSWORD, said, startWorld, type World } from '../support/egress-world.ts';
import { runCommand } from '../support/process.ts';
import { APPID, APPSECRET, INFO, type Sidecar, startSidecar } from '../support/sidecar.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { patientClock } from '../support/patient-clock.ts';

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await pause(25);
}

tinyproxyTest('every call over https leaves through a real forward proxy, with its password', async (t) => {
  const { platform, env, folder } = await startWorld(t);
  const proxy = await startTinyproxy(t, [`BasicAuth shop ${PASSWORD}`]);
  const file = join(folder, 'egress');
  writeFileSync(file, `http://shop:${PASSWORD}@127.0.0.1:${proxy.port}\n`, { mode: 0o600 });
  const sidecar = await startSidecar(t, [platform.origin], {
    env: { ...env, WECHAT_SIDECAR_EGRESS_PROXY_FILE: file },
    secrets: [PASSWORD, BASIC],
  });
  const connects = (): number => proxy.log().match(/CONNECT localhost:\d+ HTTP/g)?.length ?? 0;
  t.is(connects(), 1, 'the fetch of the token');
  t.is(await sidecar.errcode(INFO), undefined);
  t.is(await sidecar.errcode(`${INFO}&access_token=${FOREIGN}`), 40001, 'passes through, by http-proxy');
  t.is(connects(), 2, 'the exchange uses the connection of the fetch again');
  t.regex(await sidecar.page('status'), new RegExp(`"proxy": "http://127.0.0.1:${proxy.port}"`));
  const pages = (await sidecar.page('status')) + (await sidecar.page('metrics'));
  t.false(pages.includes(PASSWORD) || pages.includes(BASIC));

  const checked = await runCommand(t, 'check', {
    env: {
      ...env,
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
      WECHAT_SIDECAR_EGRESS_PROXY_FILE: file,
    },
    secrets: [PASSWORD, BASIC],
  });
  t.is(checked.code, 0, checked.stdout);
  t.regex(
    checked.stdout,
    /Calls to https:\/\/localhost:\d+ leave through the egress proxy http:\/\/127\.0\.0\.1:\d+ \(WECHAT_SIDECAR_EGRESS_PROXY_FILE\)/,
  );
});

tinyproxyTest(
  'a wrong password is explained everywhere, and calls work once its file is right',
  async (t) => {
    const { platform, env, folder } = await startWorld(t);
    const proxy = await startTinyproxy(t, [`BasicAuth shop ${PASSWORD}`]);
    const file = join(folder, 'egress');
    const setPassword = (password: string): void =>
      writeFileSync(file, `http://shop:${password}@127.0.0.1:${proxy.port}`, { mode: 0o600 });
    setPassword('wrong-password-1');
    const account = { WECHAT_APPID: APPID, WECHAT_APPSECRET: APPSECRET };
    const settings = { ...env, WECHAT_SIDECAR_EGRESS_PROXY_FILE: file };
    const secrets = ['wrong-password-1', PASSWORD, BASIC];
    const sidecar = await startSidecar(t, [platform.origin], { env: settings, token: false, secrets });
    const words = /egress proxy refuses our user and password/;
    await sidecar.untilLine('egress proxy connection failed', (line) => words.test(String(line['message'])));
    const failed = await sidecar.untilLine('token fetch failed');
    t.is(failed.level, 'error', 'a configuration error');
    t.true(Number(failed['againInS']) >= 60);
    t.regex(await said(sidecar), /^token_unavailable .*egress proxy refuses our user and password/);
    t.regex(
      await said(sidecar, `${INFO}&access_token=${FOREIGN}`),
      /^upstream_unreachable .*user and password/,
    );
    const [{ lastFailure } = {}] = (await sidecar.status()).accounts;
    t.regex(lastFailure?.message ?? '', words);
    t.like(lastFailure, { cause: 'route', reason: 'EGRESS_PROXY_401' });
    t.true((await sidecar.metric('wechat_sidecar_egress_proxy_failures_total', 'reason="credentials"')) >= 2);
    const checked = await runCommand(t, 'check', {
      env: { ...settings, ...account, WECHAT_SIDECAR_UPSTREAMS: platform.origin },
      secrets,
    });
    t.is(checked.code, 1);
    t.regex(checked.stdout, words);
    setPassword(PASSWORD);
    await sidecar.untilReady();
    t.is(await sidecar.errcode(INFO), undefined);
  },
);

tinyproxyTest('a proxy that forbids the port is a configuration error', async (t) => {
  const { platform, env } = await startWorld(t);
  const proxy = await startTinyproxy(t, ['ConnectPort 443']);
  const sidecar = await startSidecar(t, [platform.origin], {
    env: { ...env, WECHAT_SIDECAR_EGRESS_PROXY: `http://127.0.0.1:${proxy.port}` },
    token: false,
  });
  t.is((await sidecar.untilLine('token fetch failed')).level, 'error');
  t.regex(await said(sidecar), /^token_unavailable .*egress proxy forbids this connection/);
  t.true((await sidecar.metric('wechat_sidecar_egress_proxy_failures_total', 'reason="forbidden"')) >= 1);
});

/** A sidecar behind a proxy stub that lets its first token fetch through. */
async function startBehindStub(
  t: ExecutionContext,
): Promise<{ world: World; stub: StubProxy; sidecar: Sidecar }> {
  const world = await startWorld(t);
  const stub = await startStubProxy(t, tunnel);
  const sidecar = await startSidecar(t, [world.upstream], {
    env: {
      ...world.env,
      WECHAT_SIDECAR_EGRESS_PROXY: `http://127.0.0.1:${stub.port}`,
      WECHAT_SIDECAR_CONNECT_TIMEOUT: '1500ms',
    },
  });
  return { world, stub, sidecar };
}

test.serial(
  'the proxy resolves the name and gets the decoded password; the platform gets neither header nor password',
  async (t) => {
    const { certificatePem, keyPem } = await makeCertificate(systemClock);
    const caFile = join(temporaryFolder(t), 'ca.pem');
    writeFileSync(caFile, certificatePem);
    const requests: string[] = [];
    const server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
      requests.push([request.url, ...request.rawHeaders].join(' '));
      response.end('{"access_token":"a-token-of-thirty-two-characters","expires_in":7200}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const place = `api.weixin.qq.com:${(server.address() as AddressInfo).port}`;
    const stub = await startStubProxy(t, tunnel);
    const basic = Buffer.from('sh@p:p/:%w').toString('base64');
    const sidecar = await startSidecar(t, [`https://${place}`], {
      env: {
        WECHAT_SIDECAR_TLS_CA_FILE: caFile,
        WECHAT_SIDECAR_EGRESS_PROXY: `http://sh%40p:p%2F%3A%25w@127.0.0.1:${stub.port}`,
      },
      secrets: ['p%2F%3A%25w', 'p/:%w', basic],
    });
    t.deepEqual(stub.heads, [
      `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`,
    ]);
    await sidecar.call(INFO);
    await sidecar.call(`${INFO}&access_token=${FOREIGN}`);
    t.is(requests.length, 3);
    t.notRegex(requests.join('\n'), /proxy|basic/i);
  },
);

const FAULTS: readonly (readonly [what: string, reason: string, answer: (socket: Socket) => void])[] = [
  ['answers 502', 'status', (socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n')],
  ['hangs', 'timeout', () => {}],
  ['closes', 'unreachable', (socket) => socket.end()],
  ['resets', 'unreachable', (socket) => socket.resetAndDestroy()],
  ['hangs after 200', 'none', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n')],
  ['closes in its head', 'unreachable', (socket) => socket.end('HTTP/1.1 200 OK\r\nvia: x')],
  ['speaks before TLS', 'malformed', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nhello')],
  ['is no HTTP', 'malformed', (socket) => socket.write('220 mail.example.com ESMTP\r\n\r\n')],
  ['breaks a header', 'malformed', (socket) => socket.write('HTTP/1.1 200 OK\r\n a b\r\n\r\n')],
  [
    'has an endless head',
    'malformed',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}`),
  ],
];

test.serial(
  'anything a proxy does instead of connecting counts as unreachable, within the time limit',
  async (t) => {
    const { stub, sidecar } = await startBehindStub(t);
    const failures = (...labels: string[]): Promise<number> =>
      sidecar.metric('wechat_sidecar_egress_proxy_failures_total', ...labels);
    const counted = new Map<string, number>();
    for (const [what, reason, answer] of FAULTS) {
      stub.answer = answer;
      const beganMs = patientClock.monotonicMs();
      // This call passes through, so it has its own tunnel: the one of the token fetch belongs to the other
      // client.
      t.regex(await said(sidecar, `${INFO}&access_token=${FOREIGN}`), /^upstream_unreachable/, what);
      t.true(patientClock.monotonicMs() - beganMs < 4_000, what);
      if (reason !== 'none') counted.set(reason, (counted.get(reason) ?? 0) + 1);
    }
    // The metrics page is cached for a moment.
    const total = [...counted.values()].reduce((sum, count) => sum + count, 0);
    await until(async () => (await failures()) >= total);
    t.is(await failures(), total);
    for (const [reason, count] of counted) t.is(await failures(`reason="${reason}"`), count, reason);
    stub.answer = tunnel;
    await until(async () => (await said(sidecar)).startsWith('platform'));
    await until(() => stub.open() <= 2);
    t.pass();
  },
);

test.serial('a change of the proxy applies to all further calls', async (t) => {
  const world = await startWorld(t);
  const [one, two] = [await startStubProxy(t, tunnel), await startStubProxy(t, tunnel)];
  const file = join(world.folder, 'egress');
  writeFileSync(file, `http://127.0.0.1:${one.port}`, { mode: 0o600 });
  const sidecar = await startSidecar(t, [world.upstream], {
    env: { ...world.env, WECHAT_SIDECAR_EGRESS_PROXY_FILE: file },
  });
  const ways = ['', `&access_token=${FOREIGN}`];
  for (const way of ways) await sidecar.call(INFO + way);
  t.is(one.open(), 2);
  writeFileSync(file, `http://127.0.0.1:${two.port}`, { mode: 0o600 });
  await sidecar.untilLine('calls to the platform leave through an egress proxy', (line) =>
    String(line['proxy']).endsWith(`:${two.port}`),
  );
  for (const way of ways) t.true((await said(sidecar, INFO + way)).startsWith('platform'));
  t.deepEqual([one.heads.length, two.heads.length], [2, 2]);
  await until(() => one.open() === 0);
});

test.serial(
  'the standard proxy variables are used except for NO_PROXY, and not if they name our own listener',
  async (t) => {
    const world = await startWorld(t);
    const stub = await startStubProxy(t, tunnel);
    const { platform } = world;
    const HTTPS_PROXY = `http://user:${PASSWORD}@127.0.0.1:${stub.port}`;
    const secrets = [PASSWORD];
    const inherited = await startSidecar(t, [world.upstream], {
      env: { ...world.env, HTTPS_PROXY },
      secrets,
    });
    t.is(await inherited.errcode(INFO), undefined);
    t.is(stub.heads.length, 1);
    for (const env of [
      { HTTPS_PROXY, NO_PROXY: '.localhost,localhost' },
      { HTTPS_PROXY, WECHAT_SIDECAR_EGRESS_PROXY: 'none' },
      { HTTPS_PROXY: `socks5://user:${PASSWORD}@127.0.0.1:${stub.port}` },
    ]) {
      const direct = await startSidecar(t, [platform.origin], { env: { ...world.env, ...env }, secrets });
      t.is(await direct.errcode(INFO), undefined);
    }
    t.is(stub.heads.length, 1);
  },
);

test.serial(
  'our own listener as the proxy is ignored with a warning if inherited, and refused if set',
  async (t) => {
    const world = await startWorld(t);
    const { env } = world;
    // Nothing is started that could take this port from another test: the first process exits, the second
    // serves plain http.
    const own = {
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:3999',
      WECHAT_SIDECAR_EGRESS_PROXY: 'http://localhost:3999',
    };
    const refused = await runCommand(t, 'proxy', {
      env: { ...env, ...own, WECHAT_APPID: APPID, WECHAT_APPSECRET: APPSECRET },
    });
    t.is(refused.code, 78);
    t.regex(refused.stderr, /WECHAT_SIDECAR_EGRESS_PROXY: names a listener of this process itself/);
    const checked = await runCommand(t, 'check', {
      env: {
        ...env,
        WECHAT_APPID: APPID,
        WECHAT_APPSECRET: APPSECRET,
        WECHAT_SIDECAR_UPSTREAMS: world.platform.origin,
        WECHAT_SIDECAR_LISTEN: '127.0.0.1:3999',
        https_proxy: 'http://localhost:3999',
      },
    });
    t.is(checked.code, 0, checked.stdout);
    t.regex(checked.stdout, /warning {2}https_proxy: names a listener of this process itself/);
    t.regex(checked.stdout, /Calls to the platform leave directly/);
  },
);
