/**
 * What a call costs through the sidecar: the same calls straight to a simulated platform, through the
 * sidecar, and through the simplest forwarding proxy (http-proxy alone, which neither keeps the body
 * nor reads the answer), in turn, so that a slow machine slows all three. Prints ratios.
 *
 *   npm run bench
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { DEMO_APP } from '../src/simulator/accounts.ts';

const ROUNDS = 7;
const CALLS_PER_ROUND = 2_000;
const CONCURRENCY = 32;
const BODY = JSON.stringify({ touser: 'oABCD', msgtype: 'text', text: { content: 'hello '.repeat(40) } });
const PATH = '/cgi-bin/message/custom/send';

const sibling = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const children: ChildProcess[] = [];

const simulator = await start('simulator', {});
const platform = `http://127.0.0.1:${simulator}`;
const sidecar = await start('proxy', {
  WECHAT_APPID: DEMO_APP.appid,
  WECHAT_APPSECRET: DEMO_APP.secret,
  WECHAT_SIDECAR_UPSTREAMS: platform,
});
const forwarder = await start('forwarder', {}, platform);
const token = await fetchToken(platform);

const ways = {
  direct: { pool: new Pool(platform), path: `${PATH}?access_token=${token}` },
  forwarder: { pool: new Pool(`http://127.0.0.1:${forwarder}`), path: `${PATH}?access_token=${token}` },
  sidecar: { pool: new Pool(`http://127.0.0.1:${sidecar}`), path: PATH },
};
const times: Record<keyof typeof ways, number[]> = { direct: [], forwarder: [], sidecar: [] };
for (let round = -1; round < ROUNDS; round++) {
  for (const [name, { pool, path }] of Object.entries(ways)) {
    const ms = await timeRound(pool, path);
    // The first round warms up.
    if (round >= 0) times[name as keyof typeof ways].push(ms);
  }
}
report();
for (const { pool } of Object.values(ways)) await pool.destroy();
for (const child of children) child.kill('SIGTERM');

async function timeRound(pool: Pool, path: string): Promise<number> {
  let left = CALLS_PER_ROUND;
  const startMs = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const { body } = await pool.request({
        method: 'POST',
        path,
        body: BODY,
        headers: { host: 'localhost', 'content-type': 'application/json' },
      });
      const answer = (await body.json()) as { errcode: number };
      if (answer.errcode !== 0) throw new Error(`Cannot measure: a call was answered ${answer.errcode}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return performance.now() - startMs;
}

function report(): void {
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
  const perCall = (values: number[]): string =>
    `${((median(values) * 1000) / CALLS_PER_ROUND).toFixed(0)} µs`;
  const ratio = (a: number[], b: number[]): string =>
    median(a.map((value, at) => value / (b[at] ?? NaN))).toFixed(2);
  process.stdout.write(
    [
      `POST of ${BODY.length} bytes, ${CONCURRENCY} at a time, median of ${ROUNDS} rounds of ${CALLS_PER_ROUND} calls:`,
      `  direct              ${perCall(times.direct)} a call`,
      `  http-proxy alone    ${perCall(times.forwarder)} a call   ${ratio(times.forwarder, times.direct)} × direct`,
      `  sidecar             ${perCall(times.sidecar)} a call   ${ratio(times.sidecar, times.direct)} × direct   ${ratio(times.sidecar, times.forwarder)} × http-proxy alone`,
      '',
    ].join('\n'),
  );
}

async function start(what: string, env: Record<string, string>, ...args: string[]): Promise<number> {
  const program = what === 'forwarder' ? [sibling('./forwarder.js')] : [sibling('../src/cli.js'), what];
  const child = spawn(process.execPath, [...program, ...args], {
    env: {
      ...process.env,
      WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
      WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, listen } = JSON.parse(line) as { event: string; listen?: string[] };
    if (event === 'serving') {
      child.stdout.resume();
      return Number(listen?.[0]?.split(':').at(-1));
    }
  }
  throw new Error(`Cannot measure: ${what} did not start`);
}

async function fetchToken(origin: string): Promise<string> {
  const answer = await fetch(`${origin}/cgi-bin/stable_token`, {
    method: 'POST',
    body: JSON.stringify({ grant_type: 'client_credential', appid: DEMO_APP.appid, secret: DEMO_APP.secret }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}
