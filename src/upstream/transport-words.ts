import { DESCRIPTORS_HINT } from '../base/descriptors.ts';
import type { TransportFailure } from './request.ts';

/** The reason of our own errors for each kind of failure. */
export const TRANSPORT_REASONS = {
  unreachable: 'upstream_unreachable',
  broken: 'upstream_broken',
  timeout: 'upstream_timeout',
  invalid: 'bad_request',
} as const satisfies Record<TransportFailure['kind'], string>;

const TRUST =
  'if it is a private one, put the certificate of its authority in a file and name that file in NODE_EXTRA_CA_CERTS';
const NO_NAME = 'the name cannot be resolved: check its spelling, and the DNS of this machine or pod';
const NO_ROUTE = 'there is no route to it: check the network, the firewall and any egress policy';
const CLOCK = 'check the clock of this machine, and the certificate';
const NO_DESCRIPTOR = `no file descriptor is left: ${DESCRIPTORS_HINT}`;
const SLOW =
  'nothing responded in time: check the firewall and any egress policy, which may drop packets silently';

/** By the code of Node or undici: what is wrong and what to do about it. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: NO_NAME,
  ENODATA: NO_NAME,
  EAI_AGAIN: 'the DNS of this machine or pod does not respond: check its resolver',
  ECONNREFUSED: 'nothing listens there: check host and port, and that it runs',
  ECONNRESET: 'the connection was cut: check for a firewall or a proxy on the way, and http against https',
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  EMFILE: NO_DESCRIPTOR,
  ENFILE: NO_DESCRIPTOR,
  ETIMEDOUT: SLOW,
  timeout: SLOW,
  UND_ERR_CONNECT_TIMEOUT: SLOW,
  UND_ERR_HEADERS_TIMEOUT: SLOW,
  UND_ERR_SOCKET:
    'the connection was cut: check for a firewall or a proxy on the way, and http against https',
  SELF_SIGNED_CERT_IN_CHAIN: `its certificate comes from an authority that is not trusted here: ${TRUST}`,
  DEPTH_ZERO_SELF_SIGNED_CERT: `its certificate is self-signed and not trusted here: ${TRUST}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `its certificate cannot be traced to a trusted authority: ${TRUST}`,
  UNABLE_TO_GET_ISSUER_CERT: `its certificate cannot be traced to a trusted authority: ${TRUST}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `its certificate cannot be traced to a trusted authority: ${TRUST}`,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name: check the host name, and that nothing on the way intercepts the connection',
  CERT_HAS_EXPIRED: `its certificate has expired: ${CLOCK}`,
  CERT_NOT_YET_VALID: `its certificate is not valid yet: ${CLOCK}`,
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on that port: check https against http',
  EPROTO: 'it does not speak TLS on that port, or not one that is accepted: check https against http',
};

const EGRESS_PROXY = /^EGRESS_PROXY_(.+)$/;
const EGRESS_SETTING = 'WECHAT_SIDECAR_EGRESS_PROXY (egressProxy)';

/** For the egress proxy, by what follows its prefix: the status of its response, or a code of our own. */
const EGRESS_WORDS: Readonly<Record<string, string>> = {
  401: `the egress proxy refuses our user and password: correct them in ${EGRESS_SETTING} or its file`,
  403: 'the egress proxy forbids this connection: allow CONNECT to port 443 of the upstreams in its settings',
  407: `the egress proxy refuses our user and password, or asks for some: set them in ${EGRESS_SETTING} or its file`,
  MALFORMED: `the server is not an HTTP proxy, or does not accept CONNECT: check host and port in ${EGRESS_SETTING}`,
};

/** A configuration error on the way to the platform, in words; undefined if the failure may be temporary. */
export function misconfiguration(reason: string): string | undefined {
  return /^EGRESS_PROXY_40[137]$/.test(reason) ? transportWords(reason) : undefined;
}

/** Explains the reason of a transport failure to someone who has not seen it before. */
export function transportWords(reason: string): string {
  const ofProxy = EGRESS_PROXY.exec(reason)?.[1];
  if (ofProxy !== undefined) return `${egressWords(ofProxy)} (${reason})`;
  const words = WORDS[reason];
  return words === undefined ? `the call failed (${reason})` : `${words} (${reason})`;
}

function egressWords(code: string): string {
  const words = EGRESS_WORDS[code];
  if (words !== undefined) return words;
  if (/^\d{3}$/.test(code)) {
    return `the egress proxy responded with HTTP ${code}: it cannot connect to the platform itself, or does not accept CONNECT`;
  }
  return `the egress proxy cannot be reached: ${WORDS[code] ?? 'the connection failed'}`;
}
