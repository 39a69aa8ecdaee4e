import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { RoleProcess } from '../support/process.ts';
import { rawCall } from '../support/raw-call.ts';
import { json, OK, startScriptedUpstream } from '../support/scripted-upstream.ts';
import { APPID, startSidecar } from '../support/sidecar.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOREIGN = 'access_token=99_foreign_token_of_somebody_0123456789';
const CLOSING = 'Host: localhost\r\nConnection: close\r\n';

for (const [what, statusLine] of [
  ['a control character in its reason', 'HTTP/1.1 200 a\u0001b'],
  ['a status under 100', 'HTTP/1.1 050 Odd'],
] as const) {
  test(`a passed-on response with ${what} fails one call and not the process`, async (t) => {
    const upstream = await startScriptedUpstream(t, (_, socket) => {
      socket.write(`${statusLine}\r\nContent-Length: 5\r\n\r\nhello`);
    });
    const sidecar = await startSidecar(t, [upstream.origin]);
    await rawCall(sidecar.port, `GET /wxa/x?${FOREIGN} HTTP/1.1\r\n${CLOSING}\r\n`);
    t.is(await sidecar.health('livez').catch(() => 'gone'), 200);
  });
}

test('an unknown account with unusual characters does not end the process while the hub is unavailable', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
  });
  const dead = createServer().listen(0, '127.0.0.1');
  await once(dead, 'listening');
  const { port } = dead.address() as { port: number };
  dead.close();
  await once(dead, 'close');
  const tokenFile = join(temporaryFolder(t), 'token');
  writeFileSync(tokenFile, 'k'.repeat(40));
  const sidecar = await new RoleProcess(t, 'proxy', {
    env: {
      WECHAT_SIDECAR_UPSTREAMS: upstream.origin,
      WECHAT_SIDECAR_HUB_URL: `http://127.0.0.1:${port}`,
      WECHAT_SIDECAR_HUB_TOKEN_FILE: tokenFile,
    },
  }).untilServing();
  await rawCall(
    sidecar.port,
    `GET /sns/userinfo?from_appid=%E4%B8%AD&access_token=u HTTP/1.1\r\n${CLOSING}\r\n`,
  );
  const alive = await fetch(`${sidecar.admin}/livez`).then(
    (answer) => answer.status,
    () => 'gone',
  );
  t.is(alive, 200);
});

test('a caller gets a response even if the platform responds with 101', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  const sidecar = await startSidecar(t, [upstream.origin], { env: { WECHAT_SIDECAR_ANSWER_TIMEOUT: '5s' } });
  const answer = await fetch(`${sidecar.base}/wxa/x?${FOREIGN}`, {
    signal: AbortSignal.timeout(10_000),
  }).then(
    (got) => got.headers.get('x-wechat-sidecar-error'),
    () => 'no answer',
  );
  t.is(answer, 'upstream_broken');
});

for (const [how, query] of [
  ['an injected', ''],
  ['a passing', `?${FOREIGN}`],
] as const) {
  test(`${how} GET whose response was cut off after its first byte is not sent again`, async (t) => {
    let breaks = false;
    const upstream = await startScriptedUpstream(t, (_, socket) => {
      if (breaks) socket.write('HTTP/1.1 20', () => void setTimeout(() => socket.destroy(), 50));
      else socket.write(OK);
    });
    const sidecar = await startSidecar(t, [upstream.origin]);
    await sidecar.call(`/wxa/x${query}`);
    breaks = true;
    await sidecar.call(`/wxa/x${query}`);
    t.deepEqual(
      upstream.requests.map(({ reused }) => reused),
      query === '' ? [true, true] : [false, true],
    );
  });
}

test('an injected 304 with the Content-Length of a body that it does not have is passed on', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => {
    socket.write('HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 123\r\n\r\n');
  });
  const sidecar = await startSidecar(t, [upstream.origin]);
  const answer = await rawCall(sidecar.port, `GET /cgi-bin/media/get HTTP/1.1\r\n${CLOSING}\r\n`);
  t.regex(answer, /^HTTP\/1\.1 304 /);
});

test('a passed-on download waits for a reader that pauses longer than the idle time, as an injected one does', async (t) => {
  const bytes = 30_000_000;
  const upstream = await startScriptedUpstream(t, (_, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
    socket.write(Buffer.alloc(bytes, 'x'));
  });
  const sidecar = await startSidecar(t, [upstream.origin], { env: { WECHAT_SIDECAR_IDLE_TIMEOUT: '1s' } });
  const answer = await fetch(`${sidecar.base}/wxa/x?${FOREIGN}`);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  t.is(
    await answer.arrayBuffer().then(
      ({ byteLength }) => byteLength,
      () => 'broke off',
    ),
    bytes,
  );
});

test('a token call gets its response even if no body may be kept', async (t) => {
  const upstream = await startScriptedUpstream(t, (_, socket) => void socket.write(json('{}')));
  const sidecar = await startSidecar(t, [upstream.origin], {
    env: { WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT: '0B' },
  });
  const body = JSON.stringify({ grant_type: 'client_credential', appid: APPID, secret: 'x' });
  const answer = await fetch(`${sidecar.base}/cgi-bin/stable_token`, { method: 'POST', body });
  t.is(answer.status, 200);
  t.regex(await answer.text(), /access_token/);
});
