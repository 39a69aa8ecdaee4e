import { LruTable } from '../base/lru-table.ts';
import type { Random } from '../base/random.ts';
import { fingerprintOf } from '../base/secret.ts';

/** Everything that the platform calls an access_token. They look alike but are not interchangeable. */
export type TokenKind = 'stable' | 'classic' | 'authorizer' | 'component' | 'user';

export interface IssuedToken {
  readonly value: string;
  readonly fingerprint: string;
  readonly kind: TokenKind;
  readonly appid: string;
  /** The logged-in user, for a `user` token. */
  readonly openid?: string;
  readonly issuedAtMs: number;
  /** From then on it is expired: 42001. */
  expiresAtMs: number;
  /** From then on it is overwritten or revoked: 40001. */
  refusedFromMs: number;
}

/** The state of a token at `nowMs`. `overwritten` wins over `aged`: only a newer token makes the difference. */
export function judge(token: IssuedToken, nowMs: number): 'live' | 'overwritten' | 'aged' {
  if (nowMs >= token.refusedFromMs) return 'overwritten';
  return nowMs >= token.expiresAtMs ? 'aged' : 'live';
}

/**
 * The tokens of one kind of one account: the current one, and the previous one, which may have a grace
 * period.
 */
export interface Family {
  current?: IssuedToken;
  previous?: IssuedToken;
}

/**
 * Makes `next` the current token. The old one lives on for `graceMs` or, if absent, to its own end. The one
 * before that dies at once: only the immediate predecessor has a grace period.
 */
export function succeed(family: Family, next: IssuedToken, nowMs: number, graceMs?: number): void {
  const { current, previous } = family;
  if (previous !== undefined) previous.refusedFromMs = Math.min(previous.refusedFromMs, nowMs);
  if (current !== undefined) {
    if (graceMs !== undefined) current.refusedFromMs = Math.min(current.refusedFromMs, nowMs + graceMs);
    family.previous = current;
  }
  family.current = next;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';
const HEX = '0123456789abcdef';

export function word(random: Random, length: number, alphabet: string = ALPHABET): string {
  let text = '';
  for (let i = 0; i < length; i += 1) text += alphabet[Math.floor(random() * alphabet.length)];
  return text;
}

export function hexWord(random: Random, length: number): string {
  return word(random, length, HEX);
}

/** As long as the platform's are today: a number, an underscore, 137 characters in all. */
export function tokenText(random: Random): string {
  return `92_${word(random, 134)}`;
}

export const TOKENS_MAX = 20_000;

/** Every recently issued token, by its value. */
export class TokenRegistry {
  readonly #tokens = new LruTable<string, IssuedToken>(TOKENS_MAX);

  issue(
    fields: Pick<IssuedToken, 'value' | 'kind' | 'appid' | 'issuedAtMs'> & {
      lifeMs: number;
      openid?: string;
    },
  ): IssuedToken {
    const { lifeMs, ...rest } = fields;
    const token: IssuedToken = {
      ...rest,
      fingerprint: fingerprintOf(fields.value),
      expiresAtMs: fields.issuedAtMs + lifeMs,
      refusedFromMs: Number.POSITIVE_INFINITY,
    };
    this.#tokens.set(token.value, token);
    return token;
  }

  get(value: string): IssuedToken | undefined {
    return this.#tokens.get(value);
  }

  clear(): void {
    this.#tokens.clear();
  }
}
