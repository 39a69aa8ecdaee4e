import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { rawCall } from '../support/raw-call.ts';
import { APPID, INFO, startSidecar } from '../support/sidecar.ts';
import { type RunningSimulator, startSimulator } from '../support/simulator.ts';

const FOREIGN = 'foreign-token-foreign-token-foreign-token';
const PREFIX = '/gate/wechat';

/** A forwarder in front of the platform that serves it under a path prefix only. */
async function startForwarder(
  t: ExecutionContext,
  platform: RunningSimulator,
): Promise<{ readonly url: string; readonly port: number; readonly seen: string[]; close(): void }> {
  const handle = platform.simulator.handler();
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    seen.push(url.replace(/\?.*/, ''));
    if (!url.startsWith(`${PREFIX}/`)) {
      response.writeHead(404).end();
    } else if (url.startsWith(`${PREFIX}/moved`)) {
      response.writeHead(302, { location: '/gate/elsewhere?x=1' }).end();
    } else {
      request.url = url.slice(PREFIX.length);
      handle(request, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.teardown(close);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${PREFIX}/`, port, seen, close };
}

test('the path prefix is added to every call, including our own, and gates match the path without it', async (t) => {
  const platform = await startSimulator(t);
  const forwarder = await startForwarder(t, platform);
  const sidecar = await startSidecar(t, [forwarder.url, platform.origin], {
    env: { WECHAT_SIDECAR_DENY_PATHS: '/cgi-bin/clear_quota*' },
  });
  t.deepEqual(forwarder.seen.splice(0), [`${PREFIX}/cgi-bin/stable_token`]);

  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  t.is(await sidecar.errcode(`${INFO}&access_token=${FOREIGN}`), 40001);
  const body = Buffer.alloc(300_000, 'x');
  await sidecar.call(`/cgi-bin/media/upload?type=image&access_token=${FOREIGN}`, { body });
  const login = await sidecar.call('/sns/jscode2session?js_code=x&grant_type=authorization_code');
  t.is(login.headers['x-wechat-sidecar-error'], undefined);
  t.deepEqual(forwarder.seen.splice(0), [
    `${PREFIX}/cgi-bin/user/info`,
    `${PREFIX}/cgi-bin/user/info`,
    `${PREFIX}/cgi-bin/media/upload`,
    `${PREFIX}/sns/jscode2session`,
  ]);

  const absolute = await rawCall(
    sidecar.port,
    `GET http://api.weixin.qq.com${INFO} HTTP/1.1\r\nHost: api.weixin.qq.com\r\nConnection: close\r\n\r\n`,
  );
  t.regex(absolute, /oJourney01/);
  const denied = await sidecar.call('/cgi-bin/clear_quota', { body: { appid: APPID } });
  t.is(denied.headers['x-wechat-sidecar-error'], 'forbidden_path');
  const moved = await sidecar.call('/moved');
  t.is(moved.status, 302);
  t.is(moved.headers['location'], '/gate/elsewhere?x=1');
  t.deepEqual(forwarder.seen.splice(0), [`${PREFIX}/cgi-bin/user/info`, `${PREFIX}/moved`]);

  // Healing: the refusal is checked through the same route.
  platform.control.expire();
  const healed = await sidecar.call(INFO);
  t.regex(String(healed.headers['x-wechat-sidecar']), /replay=1/);
  t.true(forwarder.seen.every((path) => path.startsWith(`${PREFIX}/`)));

  // The next upstream has no prefix.
  forwarder.close();
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  t.is(await sidecar.errcode(`${INFO}&access_token=${FOREIGN}`), 40001);
});
