import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LINE_RATE } from '../../src/base/log.ts';
import { sha256 } from '../support/hub.ts';
import { type RoleProcess, startRole } from '../support/process.ts';
import { rawCall } from '../support/raw-call.ts';
import { APPID, APPSECRET, startPair } from '../support/sidecar.ts';
import { ask } from '../support/simulator-client.ts';
import { startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

/**
 * Somebody who can call, answer or connect could fill the disk of the log, if it had a line for each call: a storm of
 * failures wrote gigabytes. Whatever they make up to be told apart, the lines of an event are limited.
 */
const STORM = 150;

test.serial('whatever a program sends, the log of a sidecar is limited', async (t) => {
  const env = { WECHAT_SIDECAR_LOG_LEVEL: 'info' };
  const { control, sidecar } = await startPair(t, { env });
  control.break({ path: '/cgi-bin/gone/*', fault: { kind: 'reset' } });
  control.break({ path: '/cgi-bin/cut/*', fault: { kind: 'truncated' } });
  control.break({ path: '/cgi-bin/refused/*', fault: { kind: 'errcode', errcode: 40001 } });
  await underStorm(t, sidecar, (n) => [
    sidecar.call(`/cgi-bin/gone/${n}`),
    sidecar.call(`/cgi-bin/cut/${n}?x=${'y'.repeat(3_000)}`),
    sidecar.call(`/cgi-bin/refused/${n}`),
    sidecar.call(`/cgi-bin/${'z'.repeat(5_000)}${n}`, { headers: { 'x-wechat-appid': `wx${made(n)}` } }),
    sidecar.call(`/cgi-bin/user/info?openid=o&n=${n}&access_token=${'F'.repeat(60)}${n}`),
    sidecar.call(`/${n}`, { headers: { host: `evil-${n}.example` } }),
    rawCall(sidecar.port, Buffer.from([0x16, 0x03, 0x01, 0x00, n % 256, 0x01, 0x0d, 0x0a, 0x0d, 0x0a])),
    rawCall(sidecar.port, `GET /${n} HTTP/1.1\r\nnonsense ${n}\r\n\r\n`),
    rawCall(sidecar.adminPort, `BREW /${n} HTTP/1.1\r\nHost: ${n}\r\nConnection: close\r\n\r\n`),
  ]);
});

test.serial('whatever strangers and a greedy client send, the log of a hub is limited', async (t) => {
  const platform = await startSimulator(t);
  const key = 'greedy-key-0123456789abcdef';
  const config = temporaryFile(t, `clients:\n  - { name: greedy, keySha256: ${sha256(key)}, apps: ['*'] }\n`);
  const hub = await startRole(t, 'hub', {
    secrets: [APPSECRET, key],
    env: {
      WECHAT_SIDECAR_LOG_LEVEL: 'info',
      WECHAT_SIDECAR_CONFIG: config,
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    },
  });
  const good = { authorization: `Bearer ${key}` };
  await underStorm(t, hub, (n) => [
    fromElsewhere(hub.port, `127.0.${n % 250}.${2 + (n % 200)}`, `/v1/apps/wx${made(n)}/token`),
    ask(`${hub.base}/v1/apps/wx${made(n)}/token`, { headers: good }),
    ask(`${hub.base}/v1/apps/${APPID}/token/refresh`, {
      headers: good,
      body: { fingerprint: made(n), errcode: 40001 + (n % 14), path: `/cgi-bin/${n}` },
    }),
    ask(`${hub.base}/v1/apps/${APPID}/token/refresh`, { headers: good, body: `{"n":${n}` }),
    ask(`${hub.base}/cgi-bin/token?grant_type=client_credential&appid=wx${made(n)}&secret=${made(n)}`),
    ask(`${hub.base}/nothing/${n}`),
    rawCall(hub.port, `GET /${n} HTTP/1.1\r\nnonsense ${n}\r\n\r\n`),
  ]);
});

test.serial('whatever a hub sends, the log of its sidecars is limited', async (t) => {
  let answers = 0;
  const hub = createServer((asked, response) => {
    answers += 1;
    asked.resume();
    response.writeHead(500 + (answers % 100), { 'content-type': 'application/problem+json' });
    response.end(
      JSON.stringify({
        type: 'about:blank',
        title: `t${answers}`,
        detail: `detail ${answers}`,
        errcode: answers,
      }),
    );
  });
  hub.listen(0, '127.0.0.1');
  await once(hub, 'listening');
  t.teardown(() => hub.close());
  const key = 'sidecar-key-0123456789abcdef';
  const sidecar = await startRole(t, 'proxy', {
    secrets: [key],
    env: {
      WECHAT_SIDECAR_LOG_LEVEL: 'info',
      WECHAT_SIDECAR_HUB_URL: `http://127.0.0.1:${(hub.address() as AddressInfo).port}`,
      WECHAT_SIDECAR_HUB_TOKEN_FILE: temporaryFile(t, key),
    },
  });
  await underStorm(t, sidecar, (n) => [
    ask(`${sidecar.base}/cgi-bin/user/info?openid=${n}`, { headers: { 'x-wechat-appid': `wx${made(n)}` } }),
    ask(`${sidecar.base}/cgi-bin/user/info?openid=${n}`, { headers: { 'x-wechat-appid': APPID } }),
  ]);
});

/** A fault for each number, all at once in portions; then the log is read. */
async function underStorm(
  t: ExecutionContext,
  role: RoleProcess,
  faults: (n: number) => Promise<unknown>[],
): Promise<void> {
  const beganMs = performance.now();
  const before = role.stdout().length;
  let met = 0;
  for (let n = 0; n < STORM; n += 10) {
    met += (await Promise.allSettled(Array.from({ length: 10 }, (_, at) => faults(n + at)).flat())).length;
  }
  await role.stop();
  const windows = 1 + Math.ceil((performance.now() - beganMs) / LINE_RATE.windowMs);
  const lines = role.stdout().slice(before).trim().split('\n');
  const counts = new Map<string, number>();
  for (const line of lines) {
    const { level: of, event } = JSON.parse(line) as { level: string; event: string };
    counts.set(`${of} ${event}`, (counts.get(`${of} ${event}`) ?? 0) + 1);
    t.true(line.length < 4_000, line);
  }
  t.log(Object.fromEntries(counts));
  for (const [event, count] of counts) {
    t.true(count <= LINE_RATE.perEvent * windows, `${event}: ${count}`);
  }
  t.true(lines.length < met, `${lines.length} lines of ${met} faults`);
}

/** Sixteen characters that no other number gives. */
function made(n: number): string {
  return sha256(String(n)).slice(0, 16);
}

function temporaryFile(t: ExecutionContext, text: string): string {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, text);
  return file;
}

function fromElsewhere(port: number, localAddress: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer junk-${localAddress}` };
    const asked = request(
      { host: '127.0.0.1', port, localAddress, path, headers, agent: false },
      (response) => {
        response.resume().once('end', resolve);
      },
    );
    asked.once('error', reject).end();
  });
}
