import { lookup as systemLookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { within } from '../base/wait.ts';
import { LruTable } from '../base/lru-table.ts';

export interface Address {
  readonly address: string;
  readonly family: number;
}

/** Resolves a name to addresses; rejects with a code such as ENOTFOUND. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

/** How long a caller waits for a lookup. */
const LOOKUP_MS_MAX = 800;
/** While DNS fails, or is slow, an earlier result is used for this long. */
const STALE_MS_MAX = 600_000;
/** A result this recent serves a burst of connections. */
const FRESH_MS = 1_000;
export const NAMES_MAX = 100;

/** The timeout of DNS itself; a late result is kept for the next call. */
const QUERY_TIMEOUT_MS = 2_500;
const TRIES = 2;

/** Uses the system resolver: /etc/hosts, search domains and all. */
export const systemResolve: Resolve = (hostname) => systemLookup(hostname, { all: true });

/**
 * Uses DNS without /etc/hosts: for pods whose hosts file maps the API's name to this sidecar, which would otherwise
 * call itself. `servers` (`address:port`) replace the system's.
 */
export function dnsResolve(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  return async (hostname) => {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason;
    return [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
    ];
  };
}

interface Known {
  readonly addresses: readonly Address[];
  readonly atMs: number;
}

/**
 * Looks up names, with one query for all who wait. The system runs only two lookups at a time, so a burst of
 * connections would otherwise queue behind a slow DNS.
 */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #clock: Clock;
  readonly #known = new LruTable<string, Known>(NAMES_MAX);
  readonly #asking = new Map<string, Promise<readonly Address[]>>();

  constructor(resolve: Resolve, clock: Clock) {
    this.#resolve = resolve;
    this.#clock = clock;
  }

  /** Waits for at most 800 ms. Rejects with a code; `EAI_AGAIN` means that DNS did not respond in time. */
  async addressesOf(hostname: string): Promise<readonly Address[]> {
    const literal = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
    const family = isIP(literal);
    if (family !== 0) return [{ address: literal, family }];
    const known = this.#known.get(hostname);
    const ageMs = known === undefined ? Infinity : this.#clock.monotonicMs() - known.atMs;
    if (known !== undefined && ageMs < FRESH_MS) return known.addresses;
    try {
      return await within(this.#clock, LOOKUP_MS_MAX, () => this.#ask(hostname), timedOut);
    } catch (error) {
      if (known !== undefined && ageMs < STALE_MS_MAX) return known.addresses;
      throw error;
    }
  }

  #ask(hostname: string): Promise<readonly Address[]> {
    const running = this.#asking.get(hostname);
    if (running !== undefined) return running;
    const asked = this.#resolve(hostname).then((addresses) => {
      if (addresses.length === 0) throw coded('ENOTFOUND');
      this.#known.set(hostname, { addresses, atMs: this.#clock.monotonicMs() });
      return addresses;
    });
    this.#asking.set(hostname, asked);
    const forget = (): void => void this.#asking.delete(hostname);
    asked.then(forget, forget);
    return asked;
  }
}

function timedOut(): never {
  throw coded('EAI_AGAIN');
}

function coded(code: string): Error {
  return Object.assign(new Error(`Cannot look up a name: ${code}`), { code });
}
