import type { JsonObject } from '../base/json.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';
import { MOUNT_PATH } from '../kubernetes/names.ts';

const FILE = 'egress-proxy';

/** The settings of the installation. */
type Decided = Pick<InjectionSettings, 'egressProxy' | 'egressProxySecret'>;

/** The variables that configure the sidecar's egress proxy; `wished` is the value of the pod's annotation. */
export function egressEnvironment(settings: Decided, wished: string | undefined): Record<string, string> {
  const plain = wished ?? settings.egressProxy;
  if (plain !== undefined) return { WECHAT_SIDECAR_EGRESS_PROXY: plain };
  if (settings.egressProxySecret === undefined) return {};
  return { WECHAT_SIDECAR_EGRESS_PROXY_FILE: `${MOUNT_PATH}/${FILE}` };
}

/** The volume sources that the sidecar needs for it. */
export function egressSources({ egressProxySecret }: Decided, wished: string | undefined): JsonObject[] {
  if (egressProxySecret === undefined || wished !== undefined) return [];
  const { name, key } = egressProxySecret;
  return [{ secret: { name, items: [{ key, path: FILE }] } }];
}
