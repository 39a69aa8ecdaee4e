import type { ExecutionContext } from 'ava';
import { setTimeout as pause } from 'node:timers/promises';
import { FOREIGN, PASSWORD, said, startWorld, type World } from '../support/egress-world.ts';
import { startTinyproxy, type Tinyproxy, tinyproxyTest } from '../support/forward-proxy.ts';
import { runCommand } from '../support/process.ts';
import { freePort } from '../support/free-port.ts';
import { APPID, APPSECRET, INFO, type Sidecar, startSidecar } from '../support/sidecar.ts';
import { patientClock } from '../support/patient-clock.ts';

/** A call that passes through has tunnels of its own: those of the token fetch belong to the other client. */
const PASSING = `${INFO}&access_token=${FOREIGN}`;

const urlOf = (proxy: Tinyproxy, user = ''): string => `http://${user}127.0.0.1:${proxy.port}`;

/** How many it was asked for. */
const tunnelsOf = (proxy: Tinyproxy): number => proxy.log().match(/CONNECT \S+:\d+ HTTP/g)?.length ?? 0;

/** The metrics page is cached for a moment. */
async function untilFailed(sidecar: Sidecar, reason: string): Promise<void> {
  const failures = (): Promise<number> =>
    sidecar.metric('wechat_sidecar_egress_proxy_failures_total', `reason="${reason}"`);
  while ((await failures()) === 0) await pause(25);
}

function runCheck(
  t: ExecutionContext,
  { env, platform }: World,
  own: Readonly<Record<string, string>>,
): ReturnType<typeof runCommand> {
  return runCommand(t, 'check', {
    env: {
      ...env,
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
      ...own,
    },
    secrets: [PASSWORD],
  });
}

tinyproxyTest('a proxy that wants a password says 407 to none and 401 to a wrong one', async (t) => {
  const world = await startWorld(t);
  const proxy = await startTinyproxy(t, [`BasicAuth shop ${PASSWORD}`]);
  for (const [user, reason] of [
    ['', 'EGRESS_PROXY_407'],
    [`shop:not-${PASSWORD}@`, 'EGRESS_PROXY_401'],
  ] as const) {
    const WECHAT_SIDECAR_EGRESS_PROXY = urlOf(proxy, user);
    const sidecar = await startSidecar(t, [world.platform.origin], {
      env: { ...world.env, WECHAT_SIDECAR_EGRESS_PROXY },
      token: false,
      secrets: [PASSWORD],
    });
    await sidecar.untilLine('egress proxy connection failed', (line) => line['reason'] === reason);
    t.is((await sidecar.untilLine('token fetch failed')).level, 'error', 'a configuration error');
    await untilFailed(sidecar, 'credentials');
    t.false((await sidecar.page('status')).includes(PASSWORD));
    const checked = await runCheck(t, world, { WECHAT_SIDECAR_EGRESS_PROXY });
    t.is(checked.code, 1);
    t.regex(checked.stdout, /egress proxy refuses our user and password/);
  }
});

tinyproxyTest('if the proxy cannot connect, the next upstream is tried', async (t) => {
  const world = await startWorld(t);
  const proxy = await startTinyproxy(t);
  const closed = `https://localhost:${await freePort()}`;
  const env = { ...world.env, WECHAT_SIDECAR_EGRESS_PROXY: urlOf(proxy) };
  const sidecar = await startSidecar(t, [closed, world.platform.origin], { env });
  t.is(await sidecar.errcode(INFO), undefined);
  await untilFailed(sidecar, 'status');
  t.regex(proxy.log(), new RegExp(`CONNECT ${closed.slice('https://'.length)} HTTP`));

  const alone = await startSidecar(t, [closed], { env, token: false });
  t.regex(await said(alone, PASSING), /^upstream_unreachable .*EGRESS_PROXY_500/);
});

tinyproxyTest('a proxy that hangs costs one time limit, and one that has died none', async (t) => {
  const { platform, env } = await startWorld(t);
  const proxy = await startTinyproxy(t);
  const sidecar = await startSidecar(t, [platform.origin], {
    env: { ...env, WECHAT_SIDECAR_EGRESS_PROXY: urlOf(proxy), WECHAT_SIDECAR_CONNECT_TIMEOUT: '400ms' },
  });
  proxy.signal('SIGSTOP');
  const beganMs = patientClock.monotonicMs();
  t.regex(await said(sidecar, PASSING), /^upstream_unreachable/);
  t.true(patientClock.monotonicMs() - beganMs < 3_000);
  await untilFailed(sidecar, 'timeout');
  proxy.signal('SIGCONT');
  while (!(await said(sidecar, PASSING)).startsWith('platform')) await pause(25);

  proxy.signal('SIGKILL');
  // The tunnels that are open die with it, one of them perhaps under a call.
  while (!(await said(sidecar, PASSING)).startsWith('upstream_unreachable')) await pause(25);
  t.regex(await said(sidecar), /^upstream_unreachable/);
  await untilFailed(sidecar, 'unreachable');
});

tinyproxyTest('check says which way calls leave, and which address the platform refused', async (t) => {
  const world = await startWorld(t);
  const { control } = world.platform;
  const proxy = await startTinyproxy(t);
  control.configure({ appid: APPID, ipAllow: ['203.0.113.9'] });
  for (const [own, way] of [
    [
      { WECHAT_SIDECAR_EGRESS_PROXY: urlOf(proxy) },
      /leave through the egress proxy http:\/\/127\.0\.0\.1:\d+ \(/,
    ],
    [{ HTTPS_PROXY: urlOf(proxy), NO_PROXY: 'localhost' }, /leave directly, past the egress proxy http:/],
    [{}, /leave directly, through no egress proxy/],
  ] as const) {
    const { code, stdout } = await runCheck(t, world, own);
    t.is(code, 1);
    t.regex(stdout, way);
    t.regex(stdout, /PROBLEM .*127\.0\.0\.1.*IP allow-list/);
  }
  t.is(tunnelsOf(proxy), 1);
});

tinyproxyTest('NO_PROXY lets calls past by suffix, range, port and asterisk, and others not', async (t) => {
  const { platform, env } = await startWorld(t);
  const proxy = await startTinyproxy(t);
  const byAddress = `https://127.0.0.1:${platform.port}`;
  for (const [upstream, NO_PROXY, isDirect] of [
    [platform.origin, '.localhost', true],
    [platform.origin, 'host', false],
    [byAddress, '127.0.0.0/8', true],
    [byAddress, '128.0.0.0/8', false],
    [platform.origin, `localhost:${platform.port}`, true],
    [platform.origin, `localhost:${platform.port + 1}`, false],
    [platform.origin, '*', true],
    [platform.origin, 'example.com,*', false],
  ] as const) {
    const before = tunnelsOf(proxy);
    const sidecar = await startSidecar(t, [upstream], {
      env: { ...env, HTTPS_PROXY: urlOf(proxy), NO_PROXY },
    });
    t.is(await sidecar.errcode(INFO), undefined);
    const isProxied = (): boolean => tunnelsOf(proxy) > before;
    if (isDirect) t.false(isProxied(), NO_PROXY);
    else while (!isProxied()) await pause(25);
  }
});
