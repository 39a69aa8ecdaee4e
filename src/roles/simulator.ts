import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionMetrics } from '../server/connection-metrics.ts';
import { listen } from '../server/listen.ts';
import { DEMO_APP } from '../simulator/accounts.ts';
import { type Certificate, makeCertificate } from '../simulator/certificate.ts';
import { SIMULATOR_LIMITS } from '../simulator/limits.ts';
import { makeSimulator } from '../simulator/simulator.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { Settings } from '../settings/settings.ts';

/** The simulated platform, with the demo account in addition to those of the settings. */
export async function startSimulator(settings: Settings, context: RoleContext): Promise<RunningRole> {
  const { clock, log, metrics } = context;
  const { seed, tls, tokenLifeMs } = settings.simulator;
  const certificate = tls ? await makeCertificate(clock) : undefined;
  const files = certificate === undefined ? undefined : await keepFiles(certificate);
  const removeFiles = async (): Promise<void> => {
    if (files !== undefined) await rm(files.folder, { recursive: true, force: true });
  };
  const appOf = ({ appid, secret }: Settings['apps'][number]) => ({ appid, secret: secret.reveal() });
  const simulator = makeSimulator({
    clock,
    log,
    seed,
    apps: [{ ...DEMO_APP, tokenLifeMs }, ...settings.apps.map((app) => ({ ...appOf(app), tokenLifeMs }))],
    certificatePem: certificate?.certificatePem,
  });
  const listener = await listen({
    handler: simulator.handler(),
    ...settings.listen,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
    limits: SIMULATOR_LIMITS,
    onCut: metrics.of(connectionMetrics).cutBy('business'),
    ...(files === undefined ? {} : { tls: files }),
    clock,
    log,
  }).catch(async (error: unknown) => {
    await removeFiles();
    throw error;
  });
  if (files !== undefined) log.info('trust this certificate to call the simulator', { file: files.certFile });
  let known = new Map(settings.apps.map((app) => [app.appid, app.secret.reveal()]));
  return {
    name: 'simulator',
    addresses: listener.addresses,
    port: listener.port,
    ready: [],
    status: () => ({ counters: simulator.control.counters(), apps: [DEMO_APP.appid] }),
    /**
     * Accounts are added and changed, but never removed: an account of the platform does not end with a
     * setting here.
     */
    reconfigure({ apps }) {
      const changed = apps.filter((app) => known.get(app.appid) !== app.secret.reveal());
      for (const app of changed) {
        const isNew = !known.has(app.appid);
        simulator.control.configure({ ...appOf(app), ...(isNew && { tokenLifeMs }) });
      }
      known = new Map([...known, ...apps.map((app) => [app.appid, app.secret.reveal()] as const)]);
    },
    async drain(options) {
      const outcome = await listener.drain(options);
      await removeFiles();
      return outcome;
    },
  };
}

/** The listener reads certificates from files, and clients need the certificate in a file to trust it. */
async function keepFiles({
  certificatePem,
  keyPem,
}: Certificate): Promise<{ folder: string; certFile: string; keyFile: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'wechat-simulator-'));
  const files = { folder, certFile: join(folder, 'certificate.pem'), keyFile: join(folder, 'key.pem') };
  await writeFile(files.certFile, certificatePem);
  await writeFile(files.keyFile, keyPem, { mode: 0o600 });
  return files;
}
