import { isLoopbackName } from '../wechat/hosts.ts';

/** A Service of a Kubernetes cluster, by its name in the cluster. */
const IN_CLUSTER = /\.svc(?:\.[\w.-]+)?$/;

/**
 * A warning for a hub on another machine that is reached over plain HTTP: a sidecar authenticates with a bearer token,
 * and receives the tokens of accounts. `who` is the sidecar.
 */
export function hubInClear(name: string, url: string, who: string): string | undefined {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' || isHere(hostname)) return undefined;
  const what = `${name}: ${url} is not encrypted: the credential of ${who} and every token travel in clear`;
  return IN_CLUSTER.test(hostname)
    ? `${what} within the cluster, readable for anyone who can listen on its network; k8s/components/cert-manager makes it https`
    : `${what}; give the hub tls.certFile and tls.keyFile, and name it with https`;
}

/** A warning for a platform, or a forwarder in front of it, that is reached over plain HTTP on another machine. */
export function upstreamInClear(name: string, url: string): string | undefined {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' || isHere(hostname)) return undefined;
  return `${name}: ${url} is not encrypted: tokens and secrets travel in clear`;
}

export interface StoreInClear {
  readonly name: string;
  readonly isTls: boolean;
  /** Redis itself, or its Sentinels. */
  readonly hosts: readonly string[];
  readonly hasPassword: boolean;
  readonly isEncrypted: boolean;
}

/** A warning for a Redis on another machine that is reached without TLS. */
export function storeInClear(store: StoreInClear): string | undefined {
  const { name, isTls, hosts, hasPassword, isEncrypted } = store;
  const exposed = [...(hasPassword ? ['the password'] : []), ...(isEncrypted ? [] : ['tokens'])];
  if (isTls || exposed.length === 0 || hosts.every(isHere)) return undefined;
  const more = isEncrypted ? '' : ', or at least encrypt tokens with store.encryptionKeyFile';
  const verb = exposed.at(-1) === 'tokens' ? 'travel' : 'travels';
  return `${name}: redis:// is not encrypted: ${exposed.join(' and ')} ${verb} in clear; use rediss://${more}`;
}

/** As in `new URL`: an IPv6 address is in brackets. */
function isHere(host: string): boolean {
  return isLoopbackName(host.replace(/^\[|\]$/g, ''));
}
