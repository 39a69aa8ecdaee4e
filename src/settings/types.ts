import { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import * as z from 'zod/mini';
import { readIpRange } from '../base/ip-range.ts';
import { Secret } from '../base/secret.ts';
import { ANNOTATIONS } from '../kubernetes/annotations.ts';
import { isImageReference } from '../kubernetes/image.ts';
import { PREFIX } from '../kubernetes/names.ts';
import { plainProxy } from '../kubernetes/plain-proxy.ts';
import { cpuMillis, memoryBytes } from '../kubernetes/quantity.ts';
import { parseRedisUrl } from '../store/redis-url.ts';
import { APPID } from '../wechat/appid.ts';
import { isPathPattern } from '../wechat/path-pattern.ts';
import { parseDurationMs, parseSizeBytes } from './units.ts';

/*
 * The accepted text of each setting, and what it is parsed into. The description of each type ends the sentence
 * "accepted is …"; its other metadata goes into the JSON Schema.
 */

/** A text that is kept as it is. */
function text(shape: RegExp, accepted: string): z.ZodMiniString<string> {
  return z.string().check(z.regex(shape), z.describe(accepted));
}

/** A text that is kept as it is, and checked by more than its shape. */
function textIf(accepted: string, isGood: (text: string) => boolean): z.ZodMiniString<string> {
  return z.string().check(z.refine(isGood), z.describe(accepted));
}

export interface Reading {
  /** Why a text is rejected, without quoting it. */
  readonly why?: (text: string) => string | undefined;
  /** Hints for editors, for the JSON Schema. */
  readonly hints?: Readonly<Record<string, unknown>>;
}

/** A text that is parsed; `parse` returns undefined if it is rejected. */
export function read<T>(
  accepted: string,
  parse: (text: string) => T | undefined,
  { why, hints }: Reading = {},
): z.ZodMiniPipe<z.ZodMiniString<string>, z.ZodMiniTransform<T, string>> {
  const value = z.transform((given: string, context): T => {
    const parsed = parse(given);
    if (parsed !== undefined) return parsed;
    context.issues.push({ code: 'custom', input: given, params: { why: why?.(given) } });
    return z.NEVER;
  });
  return z.pipe(z.string(), value).check(z.meta({ description: accepted, ...hints }));
}

/** Ends the sentence "accepted is …". */
export function acceptedBy(type: z.ZodMiniType): string {
  return z.globalRegistry.get(type)?.description ?? '';
}

export function list<T extends z.ZodMiniType>(item: T, itemsMax: number): z.ZodMiniArray<T> {
  const bounds = `accepted are 1 to ${itemsMax}`;
  return z
    .array(item)
    .check(z.minLength(1, bounds), z.maxLength(itemsMax, bounds), z.meta({ maxItems: itemsMax }));
}

export function oneOf<const T extends readonly [string, ...string[]]>(
  choices: T,
): z.ZodMiniEnum<{ [K in T[number]]: K }> {
  return z.enum(choices).check(z.describe(`one of ${choices.join(', ')}`));
}

export const yesOrNo = read(
  'true or false',
  (given) => (given === 'true' ? true : given === 'false' ? false : undefined),
  { hints: { type: ['boolean', 'string'], enum: [true, false, 'true', 'false'] } },
);

export function integer(min: number, max: number): ReturnType<typeof read<number>> {
  return read(
    `a whole number from ${min} to ${max}`,
    (given) => (/^\d{1,15}$/.test(given) ? within(Number(given), min, max) : undefined),
    { hints: { type: ['integer', 'string'], pattern: '^\\d+$', minimum: min, maximum: max } },
  );
}

/** The bounds are texts because they are shown as written. */
export function duration(min: string, max: string): ReturnType<typeof read<number>> {
  return read(
    `a number with a unit (ms, s, m or h) from ${min} to ${max}, such as 30s`,
    (given) => within(parseDurationMs(given), parseDurationMs(min), parseDurationMs(max)),
    { hints: { pattern: '^\\d+(\\.\\d+)?(ms|s|m|h)$' } },
  );
}

export function size(min: string, max: string): ReturnType<typeof read<number>> {
  return read(
    `a number with a unit (B, KiB, MiB, GiB, KB, MB or GB) from ${min} to ${max}, such as 20MiB`,
    (given) => within(parseSizeBytes(given), parseSizeBytes(min), parseSizeBytes(max)),
    { hints: { pattern: '^\\d+(\\.\\d+)?(B|[KMG]i?B)$' } },
  );
}

function within(value: number | undefined, min = 0, max = Infinity): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

export const appid = text(APPID, '2 to 64 letters, digits, _ or -');

export const appidOrAll = textIf(
  'an appid, or "*" for every account',
  (given) => given === '*' || APPID.test(given),
);

/** The key that encrypts tokens in a store. */
export const storedKey = text(/^[\x20-\x7e]{16,4096}$/, '16 or more ASCII characters on one line');

/** For Redis. */
export const password = text(/^[^\p{Cc}]{1,512}$/u, '1 to 512 characters on one line');

export const sha256Hex = read(
  "64 hex digits, the SHA-256 of the key (printf %s 'the key' | sha256sum)",
  (given) => (/^[0-9a-f]{64}$/i.test(given) ? given.toLowerCase() : undefined),
);

export const label = text(/^[^\p{Cc}]{1,64}$/u, '1 to 64 characters on one line');

export const keyPrefix = text(/^[\x21-\x7e]{1,64}$/, '1 to 64 ASCII characters');

const KUBERNETES_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const NAME = 'a name as Kubernetes has it (lower-case letters, digits, - and .)';

/** The name of a namespace or a service account, for example. */
export const kubernetesName = text(KUBERNETES_NAME, NAME);

export const kubernetesNameOrAll = textIf(
  `${NAME}, or "*" for every one`,
  (given) => given === '*' || KUBERNETES_NAME.test(given),
);

/** `name` or `name/key`, of an object in a pod's own namespace. */
function keyOf(
  what: string,
  usualKey: string,
  example: string,
): ReturnType<typeof read<{ name: string; key: string }>> {
  return read(`the name of a ${what}, or name/key, such as ${example}/${usualKey}`, (given) => {
    const [, name = '', key = usualKey] = /^([^/]*)(?:\/([A-Za-z0-9._-]{1,253}))?$/.exec(given) ?? [];
    return KUBERNETES_NAME.test(name) ? { name, key } : undefined;
  });
}

export const configMapKey = keyOf('ConfigMap', 'ca.crt', 'company-ca');
export const secretKey = keyOf('Secret', 'url', 'egress-proxy');

export const imageReference = textIf(
  'an image reference, such as registry.example.com/wechat-sidecar:0.1.0',
  isImageReference,
);

export const cpuQuantity = read(
  'processors, more than none, such as 10m or 0.5',
  (given) => ((cpuMillis(given) ?? 0) > 0 ? given : undefined),
  { hints: { type: ['number', 'string'] } },
);

export const memoryQuantity = textIf(
  'bytes with a unit (Ki, Mi, Gi, k, M or G), such as 64Mi',
  (given) => (memoryBytes(given) ?? 0) > 0,
);

export const userId = read<number | 'image'>(
  'the number of a user other than root, or image',
  (given) => (given === 'image' ? given : integer(1, 2 ** 31 - 1).safeParse(given).data),
  { hints: { type: ['integer', 'string'], pattern: '^(image|\\d+)$', minimum: 1 } },
);

export const annotation = read(
  `one of ${ANNOTATIONS.map(({ name }) => name).join(', ')}`,
  (given) => ANNOTATIONS.find(({ name }) => given === name || given === `${PREFIX}${name}`)?.name,
);

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/** PEM, for a file that must contain certificates and no key. */
export const certificates = textIf('one or more certificates (PEM) and no key', (given) => {
  const blocks = given.match(CERTIFICATE) ?? [];
  return blocks.length > 0 && blocks.every(isCertificate) && !given.includes('PRIVATE KEY');
});

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

export const filePath = text(/^[^\p{Cc}]{1,4096}$/u, 'the path of a file');

export const pathPattern = textIf(
  'a path that starts with /, without % ? # or spaces, * standing for anything',
  isPathPattern,
);

/** Parsed further where the store is created. */
export const storeUrl = read(
  'memory, file:/path, redis://[user:password@]host[:port][/db] or rediss://…',
  (given) => {
    if (given === 'memory' || /^file:(?:\/\/(?=\/))?(?!\/\/)[^\p{Cc}]+$/u.test(given)) return given;
    return parseRedisUrl(given).kind === 'url' ? given : undefined;
  },
  {
    why: (given) => {
      const parsed = /^rediss?:\/\//i.test(given) ? parseRedisUrl(given) : undefined;
      return parsed?.kind === 'bad' ? parsed.why : undefined;
    },
  },
);

const ORIGIN = /^https?:\/\/[^\s/?#@\\]+\/?$/i;
const ORIGIN_ACCEPTED = 'an http or https origin without path, query or user, such as';

function originOf(given: string): string | undefined {
  return ORIGIN.test(given) && URL.canParse(given) ? new URL(given).origin : undefined;
}

export const origin = read(`${ORIGIN_ACCEPTED} https://api.weixin.qq.com`, originOf);

/** The origin of a web page, as a browser writes it. */
export const pageOrigin = read(`${ORIGIN_ACCEPTED} http://localhost:5173`, originOf);

/** Segments that every server reads the same way: not encoded, not only dots, not empty. */
const PATH_PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*$/;

/** A base URL of the platform; a forwarder in front of it may need a path prefix. */
export const upstreamUrl = read(
  'an http or https origin, perhaps with a path prefix, without query or user, such as https://api.weixin.qq.com or https://gate.example/wechat',
  (given) => {
    const [, base = '', path = ''] = /^(https?:\/\/[^/]*)(.*)$/i.exec(given.replace(/\/$/, '')) ?? [];
    const found = originOf(base);
    return found !== undefined && PATH_PREFIX.test(path) ? found + path : undefined;
  },
);

const HOST_NAME = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/** In lower case, an IPv6 address without brackets: as the gate reads a Host. */
export const hostName = read(
  'a host name or an address, without port or wildcard, such as wechat-sidecar or host.docker.internal',
  (given) => {
    const bare = given.replace(/^\[(.*)\]$/, '$1');
    if (isIPv6(bare)) return bare.toLowerCase();
    return given.length <= 253 && HOST_NAME.test(given) ? given.toLowerCase().replace(/\.$/, '') : undefined;
  },
);

export const addressRange = textIf(
  'an address or a range, such as 10.1.2.3, 172.18.0.0/16 or fd00::/8',
  (given) => readIpRange(given) !== undefined,
);

/** `host` is a name or an address without brackets; `localhost` means both 127.0.0.1 and ::1. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const HOST_PORT = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+)):(\d{1,5})$/i;

export const hostPort = read<HostPort>(
  'host:port, such as localhost:3880, 0.0.0.0:3880 or [::]:3880',
  (given) => {
    const [, address, name, digits] = HOST_PORT.exec(given) ?? [];
    const host = address ?? name;
    const port = Number(digits);
    if (host === undefined || port > 65_535) return undefined;
    return address === undefined || isIPv6(address) ? { host, port } : undefined;
  },
);

export const plainProxyUrl = read('none, or http://host:port without user and password', plainProxy);

/** A forward proxy, with `user:password` if it requires them. */
export interface ProxyUrl {
  /** In lower case, without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly credentials: Secret | undefined;
}

const PROXY_URL = /^http:\/\/(?:(\S*)@)?(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?\/?$/i;
const HTTP_PORT = 80;

export const egressProxyUrl = read<'none' | ProxyUrl>(
  'none, or http://[user:password@]host:port with an HTTP proxy that takes CONNECT',
  (given) => {
    if (given === 'none') return given;
    const [whole, userInfo = '', address, name = '', digits] = PROXY_URL.exec(given) ?? [];
    const port = digits === undefined ? HTTP_PORT : Number(digits);
    const credentials = userInfo === '' ? undefined : credentialsIn(userInfo);
    if (whole === undefined || port < 1 || port > 65_535 || credentials === null) return undefined;
    if (address !== undefined && !isIPv6(address)) return undefined;
    return { hostname: (address ?? name).toLowerCase(), port, credentials };
  },
  {
    why: (given) => {
      const scheme = /^(\w{1,10}):\/\//.exec(given)?.[1]?.toLowerCase();
      if (scheme !== undefined && scheme !== 'http') return `${scheme}:// is not the scheme of one`;
      return /@.*@|%(?![0-9a-f]{2})/i.test(given)
        ? 'characters such as @, % and / in user or password are written %40, %25 and %2F'
        : undefined;
    },
  },
);

/** `user:password` as sent to the proxy; null if it cannot be sent. */
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
