import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INFO, type Sidecar } from './sidecar.ts';
import { type RunningSimulator, startSimulator, type Teardown } from './simulator.ts';
import { temporaryFolder } from './temporary.ts';

export const PASSWORD = 'correct-horse-4711';
export const FOREIGN = 'foreign-token-foreign-token-foreign-token';
/** As sent to the proxy; it must not be visible either. */
export const BASIC = Buffer.from(`shop:${PASSWORD}`).toString('base64');

/** A platform over https that only what is beyond an egress proxy knows by its name. */
export interface World {
  readonly platform: RunningSimulator;
  /** From the sidecar's side, only the proxy can resolve this name. */
  readonly upstream: string;
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
}

export async function startWorld(t: Teardown): Promise<World> {
  const platform = await startSimulator(t, { https: true });
  const folder = temporaryFolder(t);
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, platform.certificatePem);
  return {
    platform,
    upstream: `https://api.weixin.qq.com:${platform.port}`,
    env: { WECHAT_SIDECAR_TLS_CA_FILE: caFile },
    folder,
  };
}

/** The content of a response, whether from the platform or from the sidecar. */
export async function said(sidecar: Sidecar, path = INFO): Promise<string> {
  const reply = await sidecar.call(path);
  return `${String(reply.headers['x-wechat-sidecar-error'] ?? 'platform')} ${reply.body.toString()}`;
}
