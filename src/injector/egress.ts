import { MOUNT_PATH } from '../kubernetes/names.ts';
import type { JsonObject } from './pod.ts';

const PLAIN_PROXY = /^http:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}\/?$/i;
const FILE = 'egress-proxy';

/** `none` or the URL of a proxy; one with a user or a password is none, since annotations and settings are seen by many. */
export function plainProxy(text: string): string | undefined {
  if (text === 'none') return text;
  return PLAIN_PROXY.test(text) && URL.canParse(text) ? text.replace(/\/$/, '') : undefined;
}

/** What the installation has decided. */
interface Decided {
  readonly egressProxy: string | undefined;
  readonly egressProxySecret: { readonly name: string; readonly key: string } | undefined;
}

/** What tells the sidecar its egress proxy; `wished` is that of the pod's annotation. */
export function egressEnvironment(settings: Decided, wished: string | undefined): Record<string, string> {
  const plain = wished ?? settings.egressProxy;
  if (plain !== undefined) return { WECHAT_SIDECAR_EGRESS_PROXY: plain };
  if (settings.egressProxySecret === undefined) return {};
  return { WECHAT_SIDECAR_EGRESS_PROXY_FILE: `${MOUNT_PATH}/${FILE}` };
}

/** What the sidecar's volume needs for it. */
export function egressSources({ egressProxySecret }: Decided, wished: string | undefined): JsonObject[] {
  if (egressProxySecret === undefined || wished !== undefined) return [];
  const { name, key } = egressProxySecret;
  return [{ secret: { name, items: [{ key, path: FILE }] } }];
}
