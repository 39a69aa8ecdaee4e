import { hash, timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { fingerprintOf } from '../base/secret.ts';
import { networkOf } from '../server/peer.ts';
import type { Right } from '../hub-api/rights.ts';
import { AuthFailures } from './auth-failures.ts';
import { CREDENTIAL_CHARS_MAX } from './limits.ts';

export interface Grant {
  /** Appids; `*` means every account. */
  readonly apps: ReadonlySet<string>;
  readonly may: ReadonlySet<Right>;
  /** Only pages on these hosts are signed; undefined: any host. */
  readonly urlHosts?: ReadonlySet<string> | undefined;
}

/** An authenticated caller and the accounts and rights that it has. */
export interface Caller {
  readonly kind: 'client' | 'service account';
  /** For people and logs: the client's name, or namespace/name of the service account. */
  readonly name: string;
  /** The pod that the Kubernetes token is bound to, if any. */
  readonly pod?: string;
  readonly grants: readonly Grant[];
  /** When its credential expires, in monotonic milliseconds. */
  readonly endsAtMs?: number;
}

/** The key of a caller in tables. */
export function keyOf({ kind, name }: Pick<Caller, 'kind' | 'name'>): string {
  return fingerprintOf(`${kind} ${name}`);
}

/** Whether the caller has any right to the account; the appid `*` also stands for future accounts. */
export function isAuthorized(caller: Caller, appid: string): boolean {
  return caller.grants.some((grant) => covers(grant, appid));
}

export function mayDo(caller: Caller, right: Right, appid: string): boolean {
  return caller.grants.some((grant) => grant.may.has(right) && covers(grant, appid));
}

/** The hosts whose pages the caller may have signed for an account; undefined: any host. */
export function signedHosts(caller: Caller, appid: string): ReadonlySet<string> | undefined {
  const grants = caller.grants.filter((grant) => grant.may.has('sign') && covers(grant, appid));
  if (grants.some(({ urlHosts }) => urlHosts === undefined)) return undefined;
  return new Set(grants.flatMap(({ urlHosts }) => [...(urlHosts ?? [])]));
}

/** Whether there is, or may be in future, an account for which the caller has this right. */
export function hasRight(caller: Caller, right: Right): boolean {
  return caller.grants.some(({ may }) => may.has(right));
}

function covers({ apps }: Grant, appid: string): boolean {
  return apps.has(appid) || apps.has('*');
}

export type Authentication =
  | { readonly kind: 'caller'; readonly caller: Caller }
  /** `why` is for the log and never quotes the credential. */
  | { readonly kind: 'unauthenticated'; readonly why: string }
  /** Not authenticated, and there were too many such calls from this address. */
  | { readonly kind: 'limited'; readonly why: string; readonly retryAfterMs: number }
  /** The credential cannot be checked now. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** A caller that authenticates with a key. */
export interface ClientRule {
  readonly name: string;
  /** 64 lower-case hex digits. */
  readonly keySha256: string;
  readonly apps: readonly string[];
  readonly may: readonly Right[];
  readonly urlHosts?: readonly string[] | undefined;
}

/** Authenticates callers whose credential is not a client key. */
export interface Reviewers {
  /**
   * `peer` is the source network of the token, so that no source can use more than its share of the
   * reviews.
   */
  authenticate(token: string, peer: string): Promise<Authentication>;
  /** Whether a caller that was authenticated here would still be authenticated by the current rules. */
  isStillValid(caller: Caller): boolean;
}

/** Authenticates the callers of the hub. Nobody has access by default. */
export class Authenticator {
  #clients: readonly Client[] = [];
  readonly #reviewers: Reviewers | undefined;
  readonly #authFailures: AuthFailures;

  constructor(clients: readonly ClientRule[], reviewers: Reviewers | undefined, clock: Clock) {
    this.#reviewers = reviewers;
    this.#authFailures = new AuthFailures(clock);
    this.reconfigure(clients);
  }

  reconfigure(clients: readonly ClientRule[]): void {
    const before = this.#clients;
    this.#clients = clients.map(
      (rule) => before.find((client) => isDeepStrictEqual(client.rule, rule)) ?? clientOf(rule),
    );
  }

  /** Authenticates by the value of an Authorization header. */
  async byAuthorization(header: string | undefined, address: string): Promise<Authentication> {
    // A missing credential does not count as a failure.
    if (header === undefined) return { kind: 'unauthenticated', why: 'no credential' };
    if (header.length > CREDENTIAL_CHARS_MAX)
      return this.#unauthenticated('the credential is too long', address);
    const credential = /^bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
    if (credential === undefined) return this.#unauthenticated('not a bearer credential', address);
    const caller = this.#clientOf(credential);
    if (caller !== undefined) return { kind: 'caller', caller };
    if (this.#reviewers === undefined) return this.#unauthenticated('not the key of a client', address);
    const authentication = await this.#reviewers.authenticate(credential, networkOf(address));
    return authentication.kind === 'unauthenticated'
      ? this.#unauthenticated(authentication.why, address)
      : authentication;
  }

  /** Authenticates by a client's key that was sent in another way. */
  byKey(key: string, address: string): Exclude<Authentication, { kind: 'unavailable' }> {
    const caller = this.#clientOf(key);
    return caller === undefined
      ? this.#unauthenticated('not the key of a client', address)
      : { kind: 'caller', caller };
  }

  #unauthenticated(
    why: string,
    address: string,
  ): Extract<Authentication, { kind: 'unauthenticated' | 'limited' }> {
    const retryAfterMs = this.#authFailures.failed(address);
    return retryAfterMs === 0 ? { kind: 'unauthenticated', why } : { kind: 'limited', why, retryAfterMs };
  }

  /** Always compares with every client, so that the time taken reveals nothing. */
  #clientOf(key: string): Caller | undefined {
    const digest = hash('sha256', key, 'buffer');
    let found: Caller | undefined;
    for (const client of this.#clients) if (timingSafeEqual(client.hash, digest)) found = client.caller;
    return found;
  }

  /** Whether a caller that was authenticated earlier would be authenticated now, with the same rights. */
  isStillValid(caller: Caller): boolean {
    if (caller.kind === 'client') return this.#clients.some((client) => client.caller === caller);
    return this.#reviewers?.isStillValid(caller) ?? false;
  }
}

export function grantOf({ apps, may, urlHosts }: Pick<ClientRule, 'apps' | 'may' | 'urlHosts'>): Grant {
  return { apps: new Set(apps), may: new Set(may), urlHosts: urlHosts && new Set(urlHosts) };
}

interface Client {
  readonly rule: ClientRule;
  readonly hash: Buffer;
  /** Stays the same object as long as the rule is the same. */
  readonly caller: Caller;
}

function clientOf(rule: ClientRule): Client {
  const caller: Caller = { kind: 'client', name: rule.name, grants: [grantOf(rule)] };
  return { rule, hash: Buffer.from(rule.keySha256, 'hex'), caller };
}
