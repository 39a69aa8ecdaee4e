import { Agent, request } from 'node:http';
import test from 'ava';
import { MIB, peakBytes } from '../support/memory.ts';
import { type Sidecar, startPair } from '../support/sidecar.ts';

const PATHS = 10_000;
const WORKERS = 20;

test('10,000 paths and openids do not appear in the metrics, and take little memory', async (t) => {
  t.timeout(120_000);
  // At debug level, logging would dominate the test.
  const { sidecar } = await startPair(t, { env: { WECHAT_SIDECAR_LOG_LEVEL: 'info' } });
  const agent = new Agent({ keepAlive: true, maxSockets: WORKERS });
  t.teardown(() => agent.destroy());
  // The heap grows under load, whatever the paths: let it grow before measuring.
  await many(PATHS, () => call(sidecar, agent, '/cgi-bin/user/info?openid=oWarm01'));
  const before = peakBytes(sidecar.pid);
  await many(PATHS, (i) => {
    const path = i % 2 === 0 ? `/wxa/unheard_of_${i}` : '/cgi-bin/user/info';
    const headers = {
      'x-request-id': `request-${i}`,
      ...(i % 10 === 0 && { 'x-wechat-appid': `wxunknown${i}` }),
    };
    return call(sidecar, agent, `${path}?openid=oCardinal${i}&access_token=oddtoken${i}`, headers);
  });

  const page = await sidecar.page('metrics');
  t.false(/oCardinal|oddtoken|request-\d|wxunknown/.test(page), 'nothing that a caller sends is a label');
  const lines = page.split('\n').filter((line) => !line.startsWith('#'));
  t.true(lines.length < 1_000, `${lines.length} samples`);
  t.true(page.length < 200_000, `${page.length} bytes`);
  const endpoints = new Set([...page.matchAll(/endpoint="([^"]*)"/g)].map(([, endpoint]) => endpoint));
  t.true(endpoints.has('other'));
  t.true(endpoints.has('/cgi-bin/user/info'));
  t.true(endpoints.size < 200, `${endpoints.size} endpoints`);
  t.is(await sidecar.metric('wechat_sidecar_requests_total'), 2 * PATHS);
  const growth = peakBytes(sidecar.pid) - before;
  t.true(growth < 64 * MIB, `${growth / MIB} MiB more`);
});

async function many(count: number, act: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await act(next);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}

function call(
  sidecar: Sidecar,
  agent: Agent,
  path: string,
  headers: Record<string, string | string[]> = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    request(sidecar.base + path, { agent, headers }, (response) => {
      response.resume().on('end', resolve).on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}
