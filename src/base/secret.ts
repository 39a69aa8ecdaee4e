import { hash } from 'node:crypto';
import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/**
 * A confidential value: an access token, an AppSecret, a client key. It prints as `[redacted]`; only
 * `reveal()` and `revealEncoded()` return the value, so a search for that word finds every place where a secret is used.
 */
export class Secret {
  readonly #value: string;
  #encoded: string | undefined;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** The value as it is written in a query: percent-encoded, once for all calls. */
  revealEncoded(): string {
    this.#encoded ??= encodeURIComponent(this.#value);
    return this.#encoded;
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

/** The first 16 hex digits of the SHA-256 of a token: identifies it and cannot be reversed. */
export function fingerprintOf(value: string): string {
  return hash('sha256', value).slice(0, 16);
}
