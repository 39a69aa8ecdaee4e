import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '../server/listen.ts';
import { DEMO_APP } from '../simulator/accounts.ts';
import { makeCertificate } from '../simulator/certificate.ts';
import { makeSimulator } from '../simulator/simulator.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { Settings } from './settings.ts';

/** The stand-in for the platform, with the demo account beside those of the settings. */
export async function startSimulator(settings: Settings, context: RoleContext): Promise<RunningRole> {
  const { clock, log } = context;
  const { seed, tls, tokenLifeMs } = settings.simulator;
  const certificate = tls ? await makeCertificate(clock) : undefined;
  const files =
    certificate === undefined ? undefined : await keepFiles(certificate.certificatePem, certificate.keyPem);
  const simulator = makeSimulator({
    clock,
    log,
    seed,
    apps: [
      { ...DEMO_APP, tokenLifeMs },
      ...settings.apps.map(({ appid, secret }) => ({ appid, secret: secret.reveal(), tokenLifeMs })),
    ],
    certificatePem: certificate?.certificatePem,
  });
  const listener = await listen({
    handler: simulator.handler(),
    ...settings.listen,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
    ...(files === undefined ? {} : { tls: files }),
    clock,
    log,
  });
  if (files !== undefined) log.info('trust this certificate to call the simulator', { file: files.certFile });
  return {
    name: 'simulator',
    addresses: listener.addresses,
    port: listener.port,
    ready: [],
    status: () => ({ counters: simulator.control.counters(), apps: [DEMO_APP.appid] }),
    reconfigure() {},
    drain: (options) => listener.drain(options),
  };
}

/** The listener reads certificates from files, and callers need the certificate in one to trust it. */
async function keepFiles(
  certificatePem: string,
  keyPem: string,
): Promise<{ certFile: string; keyFile: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'wechat-simulator-'));
  const files = { certFile: join(folder, 'certificate.pem'), keyFile: join(folder, 'key.pem') };
  await writeFile(files.certFile, certificatePem);
  await writeFile(files.keyFile, keyPem, { mode: 0o600 });
  return files;
}
