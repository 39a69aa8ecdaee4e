import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * A value that must not be seen: an access token, an AppSecret, a client key. It shows itself as
 * `[redacted]` wherever text is made of it; `reveal()` is the one way to the value, so that a search
 * for that word finds every place where a secret leaves us.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  static {
    Object.defineProperty(Secret.prototype, inspect.custom, { value: () => REDACTED });
  }
}

/** The first 16 hex digits of the SHA-256 of a token: names it, and cannot be turned back. */
export function fingerprintOf(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16);
}
