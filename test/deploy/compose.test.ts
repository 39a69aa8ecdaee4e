import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import { ComposeProcesses, namesIn, readCompose } from '../support/compose.ts';
import { noRedis } from '../support/redis.ts';
import { ask } from '../support/simulator-client.ts';

const SIDECAR = 'deploy/compose/sidecar/compose.yaml';
const HUB = 'deploy/compose/hub/compose.yaml';

const noCurl = spawnSync('curl', ['--version']).status === 0 ? undefined : 'no curl here';
const reason = noCurl ?? noRedis;
const withCurl = noCurl === undefined ? test : test.skip;
const withAll = reason === undefined ? test : test.skip;

withCurl(
  `the processes of ${SIDECAR} heal a call${noCurl === undefined ? '' : ` (SKIPPED: ${noCurl})`}`,
  async (t) => {
    const processes = await startDemo(t, SIDECAR);
    await healsTheCallOf(t, processes, 'orders', 'wechat-sidecar');
  },
);

withAll(
  `the processes of ${HUB} heal the calls of both programs${reason === undefined ? '' : ` (SKIPPED: ${reason})`}`,
  async (t) => {
    const processes = await startDemo(t, HUB);
    t.true(await processes.isHealthy('redis'));
    t.true(await processes.isHealthy('hub'));
    for (const name of ['orders', 'billing']) await healsTheCallOf(t, processes, name, `${name}-sidecar`);
  },
);

async function startDemo(t: ExecutionContext, path: string): Promise<ComposeProcesses> {
  const root = dirname(path);
  const processes = new ComposeProcesses(t, root, readCompose(path, join(root, 'demo.yaml')));
  await processes.up();
  return processes;
}

async function healsTheCallOf(
  t: ExecutionContext,
  processes: ComposeProcesses,
  program: string,
  sidecar: string,
): Promise<void> {
  t.true(await processes.isHealthy(sidecar));
  const before = await processes.run(program);
  t.regex(before.out, /^\{"ip_list":\[/);
  t.is((await ask(`${processes.originOf('simulator')}/__sim/expire`, { method: 'POST' })).status, 200);
  t.deepEqual(await processes.run(program), before);
  const { body } = await ask(`${processes.adminOf(sidecar)}/metrics`);
  t.regex(body.toString(), /^wechat_sidecar_replays_total\{.*outcome="recovered"\} 1$/m);
}

for (const path of [SIDECAR, HUB]) {
  test(`${path}: a program reaches only its own sidecar, and no port is open to others`, (t) => {
    const { services } = readCompose(path);
    const programs = Object.values(services).filter(({ network_mode: mode }) => mode !== undefined);
    t.true(programs.length > 0);
    for (const { network_mode: mode, depends_on: needs } of programs) {
      const sidecar = String(mode).replace(/^service:/, '');
      t.true(sidecar in services);
      t.true(namesIn(needs).includes(sidecar));
    }
    for (const service of Object.values(services)) t.is(service.ports, undefined);
  });

  test(`${path}: our containers run without privileges and on a read-only file system`, (t) => {
    const ours = Object.entries(readCompose(path).services).filter(
      ([, { image }]) => !image.startsWith('curlimages/'),
    );
    for (const [name, service] of ours) {
      t.is(service.read_only, true, name);
      t.deepEqual(service.cap_drop, ['ALL'], name);
      t.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
    }
  });

  test(`${path}: secrets are files, and only one service gets the AppSecret`, (t) => {
    const { services, secrets = {} } = readCompose(path);
    const holders = Object.entries(services).filter(([, given]) => given.secrets?.includes('appsecret'));
    t.is(holders.length, 1);
    for (const { environment = {} } of Object.values(services)) {
      t.false('WECHAT_APPSECRET' in environment);
    }
    for (const { file } of Object.values(secrets)) t.regex(file, /^secrets\//);
    const demo = readCompose(path, join(dirname(path), 'demo.yaml'));
    for (const { file } of Object.values(demo.secrets ?? {})) {
      t.true(statSync(join(dirname(path), file)).isFile());
    }
  });
}

test('only the hub can reach the store', (t) => {
  const on = Object.entries(readCompose(HUB).services).filter(([, { networks }]) =>
    namesIn(networks).includes('store'),
  );
  t.deepEqual(
    on.map(([name]) => name),
    ['hub', 'redis'],
  );
});
