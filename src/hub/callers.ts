import { createHash, timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { fingerprintOf } from '../base/secret.ts';
import { networkOf } from '../server/peer.ts';
import type { Right } from '../hub-api/rights.ts';
import { Guesses } from './guesses.ts';
import { CREDENTIAL_CHARS_MAX } from './limits.ts';

export interface Grant {
  /** Appids; `*` stands for every account. */
  readonly apps: ReadonlySet<string>;
  readonly may: ReadonlySet<Right>;
  /** The only hosts whose pages are signed; undefined: all. */
  readonly urlHosts?: ReadonlySet<string> | undefined;
}

/** Who calls, which accounts it may use, and for what. */
export interface Caller {
  readonly kind: 'client' | 'service account';
  /** For people and logs: the client's name, or namespace/name of the service account. */
  readonly name: string;
  /** The pod that a Kubernetes token is bound to, where it is. */
  readonly pod?: string;
  readonly grants: readonly Grant[];
  /** Past this moment of the life scale its credential is no good any more. */
  readonly endsAtMs?: number;
}

/** Under which tables know a caller. */
export function keyOf({ kind, name }: Pick<Caller, 'kind' | 'name'>): string {
  return fingerprintOf(`${kind} ${name}`);
}

/** Whether the account is there for this caller at all; as an appid, `*` asks about those to come too. */
export function mayUse(caller: Caller, appid: string): boolean {
  return caller.grants.some((grant) => covers(grant, appid));
}

export function mayDo(caller: Caller, right: Right, appid: string): boolean {
  return caller.grants.some((grant) => grant.may.has(right) && covers(grant, appid));
}

/** The only hosts whose pages the caller may have signed for an account; undefined: all. */
export function signedHosts(caller: Caller, appid: string): ReadonlySet<string> | undefined {
  const grants = caller.grants.filter((grant) => grant.may.has('sign') && covers(grant, appid));
  if (grants.some(({ urlHosts }) => urlHosts === undefined)) return undefined;
  return new Set(grants.flatMap(({ urlHosts }) => [...(urlHosts ?? [])]));
}

/** Whether there is an account, or may be one to come, with which it may do that. */
export function hasRight(caller: Caller, right: Right): boolean {
  return caller.grants.some(({ may }) => may.has(right));
}

function covers({ apps }: Grant, appid: string): boolean {
  return apps.has(appid) || apps.has('*');
}

export type Recognition =
  | { readonly kind: 'caller'; readonly caller: Caller }
  /** `why` is for the log, in words that quote nothing of the credential. */
  | { readonly kind: 'stranger'; readonly why: string }
  /** A stranger from an address of which too many have come. */
  | { readonly kind: 'limited'; readonly why: string; readonly retryAfterMs: number }
  /** Who it is cannot be found out now. */
  | { readonly kind: 'undecided'; readonly why: string };

/** A caller that is known by a key. */
export interface ClientRule {
  readonly name: string;
  /** 64 hex digits in lower case. */
  readonly keySha256: string;
  readonly apps: readonly string[];
  readonly may: readonly Right[];
  readonly urlHosts?: readonly string[] | undefined;
}

/** Recognises those callers whose credential is more than a key. */
export interface Reviewers {
  /** `peer` is the network that the token came from: none can have more than its share of the reviews. */
  recognise(token: string, peer: string): Promise<Recognition>;
  /** Whether a caller that was recognised here would still be, by the rules of now. */
  stillHolds(caller: Caller): boolean;
}

/** Knows the callers of the hub by their credentials. Nobody is let in by default. */
export class Callers {
  #clients: readonly Client[] = [];
  readonly #reviewers: Reviewers | undefined;
  readonly #guesses: Guesses;

  constructor(clients: readonly ClientRule[], reviewers: Reviewers | undefined, clock: Clock) {
    this.#reviewers = reviewers;
    this.#guesses = new Guesses(clock);
    this.reconfigure(clients);
  }

  reconfigure(clients: readonly ClientRule[]): void {
    const before = this.#clients;
    this.#clients = clients.map(
      (rule) => before.find((client) => isDeepStrictEqual(client.rule, rule)) ?? clientOf(rule),
    );
  }

  /** By the value of an Authorization header. */
  async byAuthorization(header: string | undefined, address: string): Promise<Recognition> {
    // No credential is no guess.
    if (header === undefined) return { kind: 'stranger', why: 'no credential' };
    if (header.length > CREDENTIAL_CHARS_MAX) return this.#stranger('too long a credential', address);
    const credential = /^bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
    if (credential === undefined) return this.#stranger('not a bearer credential', address);
    const caller = this.#clientOf(credential);
    if (caller !== undefined) return { kind: 'caller', caller };
    if (this.#reviewers === undefined) return this.#stranger('not the key of a client', address);
    const recognition = await this.#reviewers.recognise(credential, networkOf(address));
    return recognition.kind === 'stranger' ? this.#stranger(recognition.why, address) : recognition;
  }

  /** By the key of a client, where it comes in another way. */
  byKey(key: string, address: string): Exclude<Recognition, { kind: 'undecided' }> {
    const caller = this.#clientOf(key);
    return caller === undefined
      ? this.#stranger('not the key of a client', address)
      : { kind: 'caller', caller };
  }

  #stranger(why: string, address: string): Extract<Recognition, { kind: 'stranger' | 'limited' }> {
    const retryAfterMs = this.#guesses.failed(address);
    return retryAfterMs === 0 ? { kind: 'stranger', why } : { kind: 'limited', why, retryAfterMs };
  }

  /** Compares with every client, whichever fits, so that the time taken tells nothing. */
  #clientOf(key: string): Caller | undefined {
    const hash = createHash('sha256').update(key).digest();
    let found: Caller | undefined;
    for (const client of this.#clients) if (timingSafeEqual(client.hash, hash)) found = client.caller;
    return found;
  }

  /** Whether a caller that was recognised earlier would be recognised now, with the same rights. */
  stillHolds(caller: Caller): boolean {
    if (caller.kind === 'client') return this.#clients.some((client) => client.caller === caller);
    return this.#reviewers?.stillHolds(caller) ?? false;
  }
}

export function grantOf({ apps, may, urlHosts }: Pick<ClientRule, 'apps' | 'may' | 'urlHosts'>): Grant {
  return { apps: new Set(apps), may: new Set(may), urlHosts: urlHosts && new Set(urlHosts) };
}

interface Client {
  readonly rule: ClientRule;
  readonly hash: Buffer;
  /** The same object for as long as the rule is the same. */
  readonly caller: Caller;
}

function clientOf(rule: ClientRule): Client {
  const caller: Caller = { kind: 'client', name: rule.name, grants: [grantOf(rule)] };
  return { rule, hash: Buffer.from(rule.keySha256, 'hex'), caller };
}
