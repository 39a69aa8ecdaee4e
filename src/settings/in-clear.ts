import { isLoopbackName } from '../wechat/hosts.ts';

/** A Service of a Kubernetes cluster, by the name that it has there. */
const IN_CLUSTER = /\.svc(?:\.[\w.-]+)?$/;

/**
 * A warning for a hub that is reached over plain HTTP on another machine: a sidecar proves who it is by
 * a bearer token, and what it gets back are the tokens of accounts. `who` is the sidecar.
 */
export function hubInClear(name: string, url: string, who: string): string | undefined {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' || isHere(hostname)) return undefined;
  const what = `${name}: ${url} is not encrypted: the credential of ${who} and every token travel in clear`;
  return IN_CLUSTER.test(hostname)
    ? `${what} within the cluster, to be had by whoever can listen on its network; k8s/components/cert-manager makes it https`
    : `${what}; give the hub tls.certFile and tls.keyFile, and name it with https`;
}

/** A warning for a platform, or a forwarder before it, that is reached over plain HTTP on another machine. */
export function upstreamInClear(name: string, url: string): string | undefined {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' || isHere(hostname)) return undefined;
  return `${name}: ${url} is not encrypted: tokens and secrets travel in clear`;
}

export interface StoreInClear {
  readonly name: string;
  readonly isTls: boolean;
  /** Of Redis itself, or of its Sentinels. */
  readonly hosts: readonly string[];
  readonly hasPassword: boolean;
  readonly isEncrypted: boolean;
}

/** A warning for a Redis that is reached without TLS on another machine. */
export function storeInClear(store: StoreInClear): string | undefined {
  const { name, isTls, hosts, hasPassword, isEncrypted } = store;
  const exposed = [...(hasPassword ? ['the password'] : []), ...(isEncrypted ? [] : ['tokens'])];
  if (isTls || exposed.length === 0 || hosts.every(isHere)) return undefined;
  const more = isEncrypted ? '' : ', or at least encrypt tokens with store.encryptionKeyFile';
  const verb = exposed.at(-1) === 'tokens' ? 'travel' : 'travels';
  return `${name}: redis:// is not encrypted: ${exposed.join(' and ')} ${verb} in clear; use rediss://${more}`;
}

/** As `new URL` has it: an IPv6 address in brackets. */
function isHere(host: string): boolean {
  return isLoopbackName(host.replace(/^\[|\]$/g, ''));
}
