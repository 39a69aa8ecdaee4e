import { createHash, timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

/** Who calls, and which accounts it may use. */
export interface Caller {
  readonly kind: 'client' | 'service account';
  /** For people and logs: the client's name, or namespace/name of the service account. */
  readonly name: string;
  /** The pod that a Kubernetes token is bound to, where it is. */
  readonly pod?: string;
  /** Appids; `*` stands for every account. */
  readonly apps: ReadonlySet<string>;
  /** Past this moment of the life scale its credential is no good any more. */
  readonly endsAtMs?: number;
}

export function mayUse(caller: Caller, appid: string): boolean {
  return caller.apps.has(appid) || caller.apps.has('*');
}

export type Recognition =
  | { readonly kind: 'caller'; readonly caller: Caller }
  /** `why` is for the log, in words that quote nothing of the credential. */
  | { readonly kind: 'stranger'; readonly why: string }
  /** Who it is cannot be found out now. */
  | { readonly kind: 'undecided'; readonly why: string };

/** A caller that is known by a key. */
export interface ClientRule {
  readonly name: string;
  /** 64 hex digits in lower case. */
  readonly keySha256: string;
  readonly apps: readonly string[];
}

/** Recognises those callers whose credential is more than a key. */
export interface Reviewers {
  recognise(token: string): Promise<Recognition>;
  /** Whether a caller that was recognised here would still be, by the rules of now. */
  stillHolds(caller: Caller): boolean;
}

/** What is longer is no credential: projected tokens have about 1 KiB. */
const CREDENTIAL_CHARS_MAX = 16 * 1024;

/** Knows the callers of the hub by their credentials. Nobody is let in by default. */
export class Callers {
  #clients: readonly Client[] = [];
  readonly #reviewers: Reviewers | undefined;

  constructor(clients: readonly ClientRule[], reviewers: Reviewers | undefined) {
    this.#reviewers = reviewers;
    this.reconfigure(clients);
  }

  reconfigure(clients: readonly ClientRule[]): void {
    const before = this.#clients;
    this.#clients = clients.map(
      (rule) => before.find((client) => isDeepStrictEqual(client.rule, rule)) ?? clientOf(rule),
    );
  }

  /** By the value of an Authorization header. */
  async byAuthorization(header: string | undefined): Promise<Recognition> {
    if (header === undefined) return { kind: 'stranger', why: 'no credential' };
    if (header.length > CREDENTIAL_CHARS_MAX) return { kind: 'stranger', why: 'too long a credential' };
    const credential = /^bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
    if (credential === undefined) return { kind: 'stranger', why: 'not a bearer credential' };
    const caller = this.byKey(credential);
    if (caller !== undefined) return { kind: 'caller', caller };
    if (this.#reviewers === undefined) return { kind: 'stranger', why: 'not the key of a client' };
    return this.#reviewers.recognise(credential);
  }

  /** Compares with every client, whichever fits, so that the time taken tells nothing. */
  byKey(key: string): Caller | undefined {
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

interface Client {
  readonly rule: ClientRule;
  readonly hash: Buffer;
  /** The same object for as long as the rule is the same. */
  readonly caller: Caller;
}

function clientOf(rule: ClientRule): Client {
  const caller: Caller = { kind: 'client', name: rule.name, apps: new Set(rule.apps) };
  return { rule, hash: Buffer.from(rule.keySha256, 'hex'), caller };
}
