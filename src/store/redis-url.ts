/** A parsed Redis URL. */
export interface RedisUrl {
  readonly isTls: boolean;
  /** Without brackets. With Sentinels, the name of the group. */
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: number;
}

const SCHEME = /^rediss?:\/\//i;
/** The part after the authority. */
const TAIL = /^rediss?:\/\/[^/?#]*(.*)$/is;
const DATABASE = /^(?:\/(0|[1-9]\d{0,3})?)?$/;
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])$/i;
const PORT = 6379;

/**
 * Parses `redis[s]://[user:password@]host[:port][/database]` and refuses everything else, so that nothing is
 * silently ignored. `why` quotes nothing, because in a wrong URL the password may be anywhere.
 */
export function parseRedisUrl(
  text: string,
): { readonly kind: 'url'; readonly url: RedisUrl } | { readonly kind: 'bad'; readonly why: string } {
  const why = faultIn(text);
  if (why !== undefined) return { kind: 'bad', why };
  const { protocol, hostname, port, username, password, pathname } = new URL(text);
  return {
    kind: 'url',
    url: {
      isTls: protocol === 'rediss:',
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? PORT : Number(port),
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: Number(pathname.slice(1)),
    },
  };
}

function faultIn(text: string): string | undefined {
  if (!SCHEME.test(text)) return 'it does not begin with redis:// or rediss://';
  if (/\s/.test(text) || !URL.canParse(text)) return `its host and port cannot be read; ${ENCODE}`;
  const { hostname, port, username, password, search, hash } = new URL(text);
  if (hostname === '') return 'it has no host';
  if (search !== '' || text.includes('?')) return `it has options (?…), which are not supported; ${ENCODE}`;
  if (hash !== '' || text.includes('#')) return `it has a fragment (#…); ${ENCODE}`;
  if (!HOST.test(hostname)) {
    return 'its host is not a name or address; several servers go into store.sentinels or store.cluster';
  }
  if (port === '0') return 'its port is 0';
  if (!DATABASE.test(TAIL.exec(text)?.[1] ?? '')) {
    return 'the part after the host is not a database, a number from 0 to 9999';
  }
  if (!canDecode(username) || !canDecode(password))
    return `it has a % that does not begin an encoded character; ${ENCODE}`;
  return undefined;
}

const ENCODE = 'in a user or password, write / ? # @ : % as %2F %3F %23 %40 %3A %25';

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
