import { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { readIpRange } from '../base/ip-range.ts';
import { Secret } from '../base/secret.ts';
import { isImageReference } from '../kubernetes/image.ts';
import { cpuMillis, memoryBytes } from '../kubernetes/quantity.ts';
import { parseRedisUrl } from '../store/redis-url.ts';
import { isPathPattern } from '../wechat/path-pattern.ts';
import type { HostPort } from './settings.ts';
import { parseDurationMs, parseSizeBytes } from './units.ts';
import { plainProxy } from '../kubernetes/plain-proxy.ts';

/** What a setting's text may look like, and what is made of it. */
export interface Form<T> {
  /** Ends the sentence "accepted is …". */
  readonly accepted: string;
  /** Undefined: not accepted. */
  read(text: string): T | undefined;
  /** What is wrong with a text that is not accepted, quoting none of it. */
  why?(text: string): string | undefined;
}

/** An appid as the platform and its SDKs use it, or one that somebody made up for a test. */
const APPID = /^[A-Za-z0-9_-]{2,64}$/;
const ORIGIN = /^https?:\/\/[^\s/?#@\\]+\/?$/i;
const HOST_NAME = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;
const HOST_PORT = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+)):(\d{1,5})$/i;

export const appid: Form<string> = matching(APPID, '2 to 64 letters, digits, _ or -');

export const appidOrAll: Form<string> = {
  accepted: 'an appid, or "*" for every account',
  read: (text) => (text === '*' || APPID.test(text) ? text : undefined),
};

/** What tokens in a store are encrypted with. */
export const storedKey: Form<string> = matching(
  /^[\x20-\x7e]{16,4096}$/,
  '16 or more ASCII characters on one line',
);

/** For Redis. */
export const password: Form<string> = matching(/^[^\p{Cc}]{1,512}$/u, '1 to 512 characters on one line');

export const sha256Hex: Form<string> = {
  accepted: "64 hex digits, the SHA-256 of the key (printf %s 'the key' | sha256sum)",
  read: (text) => (/^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined),
};

export const label: Form<string> = matching(/^[^\p{Cc}]{1,64}$/u, '1 to 64 characters on one line');

export const keyPrefix: Form<string> = matching(/^[\x21-\x7e]{1,64}$/, '1 to 64 ASCII characters');

/** A Kubernetes name, of a namespace or a service account. */
export const kubernetesName: Form<string> = matching(
  /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
  'a name as Kubernetes has it (lower-case letters, digits, - and .)',
);

export const kubernetesNameOrAll: Form<string> = {
  accepted: `${kubernetesName.accepted}, or "*" for every one`,
  read: (text) => (text === '*' ? text : kubernetesName.read(text)),
};

export const imageReference: Form<string> = {
  accepted: 'an image reference, such as registry.example.com/wechat-sidecar:0.1.0',
  read: (text) => (isImageReference(text) ? text : undefined),
};

export const cpuQuantity: Form<string> = {
  accepted: 'processors, more than none, such as 10m or 0.5',
  read: (text) => ((cpuMillis(text) ?? 0) > 0 ? text : undefined),
};

export const memoryQuantity: Form<string> = {
  accepted: 'bytes with a unit (Ki, Mi, Gi, k, M or G), such as 64Mi',
  read: (text) => ((memoryBytes(text) ?? 0) > 0 ? text : undefined),
};

export const userId: Form<number | 'image'> = {
  accepted: 'the number of a user other than root, or image',
  read: (text) => (text === 'image' ? text : integer(1, 2 ** 31 - 1).read(text)),
};

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/** PEM, for a file that must hold certificates and nothing secret. */
export const certificates: Form<string> = {
  accepted: 'one or more certificates (PEM) and no key',
  read(text) {
    const blocks = text.match(CERTIFICATE) ?? [];
    return blocks.length > 0 && blocks.every(isCertificate) && !text.includes('PRIVATE KEY')
      ? text
      : undefined;
  },
};

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** `name` or `name/key`. */
function keyOf(what: string, usualKey: string, example: string): Form<{ name: string; key: string }> {
  return {
    accepted: `the name of a ${what}, or name/key, such as ${example}/${usualKey}`,
    read(text) {
      const [, name = '', key = usualKey] = /^([^/]*)(?:\/([A-Za-z0-9._-]{1,253}))?$/.exec(text) ?? [];
      return kubernetesName.read(name) === undefined ? undefined : { name, key };
    },
  };
}

export const configMapKey: ReturnType<typeof keyOf> = keyOf('ConfigMap', 'ca.crt', 'company-ca');
export const secretKey: ReturnType<typeof keyOf> = keyOf('Secret', 'url', 'egress-proxy');

export const plainProxyUrl: Form<string> = {
  accepted: 'none, or http://host:port without user and password',
  read: (text) => plainProxy(text),
};

export const filePath: Form<string> = matching(/^[^\p{Cc}]{1,4096}$/u, 'the path of a file');

export const pathPattern: Form<string> = {
  accepted: 'a path that starts with /, without % ? # or spaces, * standing for anything',
  read: (text) => (isPathPattern(text) ? text : undefined),
};

/** `memory`, `file:/path`, or a Redis URL; taken apart where the store is put together. */
export const storeUrl: Form<string> = {
  accepted: 'memory, file:/path, redis://[user:password@]host[:port][/db] or rediss://…',
  read: (text) => {
    if (text === 'memory' || /^file:(?:\/\/(?=\/))?(?!\/\/)[^\p{Cc}]+$/u.test(text)) return text;
    return parseRedisUrl(text).kind === 'url' ? text : undefined;
  },
  why: (text) => {
    const parsed = /^rediss?:\/\//i.test(text) ? parseRedisUrl(text) : undefined;
    return parsed?.kind === 'bad' ? parsed.why : undefined;
  },
};

export const origin: Form<string> = {
  accepted: 'an http or https origin without path, query or user, such as https://api.weixin.qq.com',
  read: (text) => (ORIGIN.test(text) && URL.canParse(text) ? new URL(text).origin : undefined),
};

/** Segments that every server reads in one way: nothing encoded, no dots alone, none empty. */
const PATH_PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*$/;

/** A way in to the platform; a forwarder before it may want a path prefix. */
export const upstreamUrl: Form<string> = {
  accepted:
    'an http or https origin, perhaps with a path prefix, without query or user, such as https://api.weixin.qq.com or https://gate.example/wechat',
  read: (text) => {
    const [, base = '', path = ''] = /^(https?:\/\/[^/]*)(.*)$/i.exec(text.replace(/\/$/, '')) ?? [];
    const read = origin.read(base);
    return read !== undefined && PATH_PREFIX.test(path) ? read + path : undefined;
  },
};

/** A forward proxy, with `user:password` where it asks for them. */
export interface ProxyUrl {
  /** In lower case, without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly credentials: Secret | undefined;
}

const PROXY_URL = /^http:\/\/(?:(\S*)@)?(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?\/?$/i;
const HTTP_PORT = 80;

export const egressProxyUrl: Form<'none' | ProxyUrl> = {
  accepted: 'none, or http://[user:password@]host:port with an HTTP proxy that takes CONNECT',
  read(text) {
    if (text === 'none') return 'none';
    const [whole, userInfo, address, name = '', digits] = PROXY_URL.exec(text) ?? [];
    const port = digits === undefined ? HTTP_PORT : Number(digits);
    const credentials = userInfo === undefined || userInfo === '' ? undefined : credentialsIn(userInfo);
    if (whole === undefined || port < 1 || port > 65_535 || credentials === null) return undefined;
    if (address !== undefined && !isIPv6(address)) return undefined;
    return { hostname: (address ?? name).toLowerCase(), port, credentials };
  },
  why: (text) => {
    const scheme = /^(\w{1,10}):\/\//.exec(text)?.[1]?.toLowerCase();
    if (scheme !== undefined && scheme !== 'http') return `${scheme}:// is not the scheme of one`;
    return /@.*@|%(?![0-9a-f]{2})/i.test(text)
      ? 'characters such as @, % and / in user or password are written %40, %25 and %2F'
      : undefined;
  },
};

/** `user:password` as the proxy gets it; null for what cannot be sent. */
function credentialsIn(userInfo: string): Secret | null {
  const colon = userInfo.indexOf(':');
  const parts = colon === -1 ? [userInfo, ''] : [userInfo.slice(0, colon), userInfo.slice(colon + 1)];
  try {
    const [user = '', secret = ''] = parts.map((part) => decodeURIComponent(part));
    const isSendable = !user.includes(':') && !/\p{Cc}/u.test(user + secret);
    return isSendable ? new Secret(`${user}:${secret}`) : null;
  } catch {
    return null;
  }
}

/** Of a web page, as its browser writes it. */
export const pageOrigin: Form<string> = {
  accepted: 'an http or https origin without path, query or user, such as http://localhost:5173',
  read: (text) => (ORIGIN.test(text) && URL.canParse(text) ? new URL(text).origin : undefined),
};

/** In lower case, an IPv6 address without brackets: as the gate reads a Host. */
export const hostName: Form<string> = {
  accepted:
    'a host name or an address, without port or wildcard, such as wechat-sidecar or host.docker.internal',
  read: (text) => {
    const bare = text.replace(/^\[(.*)\]$/, '$1');
    if (isIPv6(bare)) return bare.toLowerCase();
    return text.length <= 253 && HOST_NAME.test(text) ? text.toLowerCase().replace(/\.$/, '') : undefined;
  },
};

export const addressRange: Form<string> = {
  accepted: 'an address or a range, such as 10.1.2.3, 172.18.0.0/16 or fd00::/8',
  read: (text) => (readIpRange(text) === undefined ? undefined : text),
};

export const hostPort: Form<HostPort> = {
  accepted: 'host:port, such as localhost:3880, 0.0.0.0:3880 or [::]:3880',
  read: (text) => {
    const [, address, name, digits] = HOST_PORT.exec(text) ?? [];
    const host = address ?? name;
    const port = Number(digits);
    if (host === undefined || port > 65_535) return undefined;
    if (address !== undefined && !isIPv6(address)) return undefined;
    return { host, port };
  },
};

export const yesOrNo: Form<boolean> = {
  accepted: 'true or false',
  read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
};

export function oneOf<const T extends string>(choices: readonly T[]): Form<T> {
  return {
    accepted: `one of ${choices.join(', ')}`,
    read: (text) => choices.find((choice) => choice === text),
  };
}

export function integer(min: number, max: number): Form<number> {
  return {
    accepted: `a whole number from ${min} to ${max}`,
    read: (text) => (/^\d{1,15}$/.test(text) ? within(Number(text), min, max) : undefined),
  };
}

/** The bounds are given as texts, since they are shown as they stand. */
export function duration(min: string, max: string): Form<number> {
  const minMs = parseDurationMs(min) ?? 0;
  const maxMs = parseDurationMs(max) ?? 0;
  return {
    accepted: `a number with a unit (ms, s, m or h) from ${min} to ${max}, such as 30s`,
    read: (text) => within(parseDurationMs(text), minMs, maxMs),
  };
}

export function size(min: string, max: string): Form<number> {
  const minBytes = parseSizeBytes(min) ?? 0;
  const maxBytes = parseSizeBytes(max) ?? 0;
  return {
    accepted: `a number with a unit (B, KiB, MiB, GiB, KB, MB or GB) from ${min} to ${max}, such as 20MiB`,
    read: (text) => within(parseSizeBytes(text), minBytes, maxBytes),
  };
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function matching(shape: RegExp, accepted: string): Form<string> {
  return { accepted, read: (text) => (shape.test(text) ? text : undefined) };
}
