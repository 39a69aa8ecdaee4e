import type { Clock } from '../base/clock.ts';
import type { DenialReason } from '../token/lease.ts';
import type { Failure } from '../wechat/issuer.ts';

/** Why there is no new token, as data: from it, every language makes its own words. */
export type FailureCause =
  /** The platform returned an errcode. `ip` is our address as the platform sees it. */
  | { readonly cause: 'platform'; readonly ip?: string; readonly rid?: string }
  /** No response, or (`route`) the way to the platform is misconfigured. `reason` is a code such as ECONNREFUSED. */
  | { readonly cause: 'transport' | 'route'; readonly reason: string }
  /** An unusable response, or HTTP 429. `detail` describes the response. */
  | { readonly cause: 'unreadable' | 'throttled'; readonly detail: string }
  /** The platform's tokens live only for `lifeS` seconds, rounded down, so fetches are spaced. */
  | { readonly cause: 'short_lived'; readonly lifeS: number }
  /** Nothing was sent, for lack of the store that hubs share. */
  | { readonly cause: 'store'; readonly reason: DenialReason };

interface Words {
  readonly errcode: number;
  /** In English, with what to do. */
  readonly message: string;
}

/** The last failure. Times are Unix milliseconds. */
export type LastFailure = FailureCause &
  Words & {
    /** When the current series of failures, without a success in between, began. */
    readonly sinceUnixMs: number;
    readonly lastUnixMs: number;
    readonly times: number;
    /** Whether a fetch has succeeded since. */
    readonly over: boolean;
  };

/** Remembers the last failure of an account, and how long it has been failing. */
export class Failures {
  readonly #clock: Clock;
  #last: LastFailure | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get last(): LastFailure | undefined {
    return this.#last;
  }

  /** Returns whether this differs from the failure that still lasts. */
  note(cause: FailureCause, { errcode, message }: Words): boolean {
    const lasting = this.#last?.over === false ? this.#last : undefined;
    const nowUnixMs = this.#clock.unixMs();
    this.#last = {
      ...cause,
      errcode,
      message,
      sinceUnixMs: lasting?.sinceUnixMs ?? nowUnixMs,
      lastUnixMs: nowUnixMs,
      times: (lasting?.times ?? 0) + 1,
      over: false,
    };
    return lasting?.errcode !== errcode || lasting.message !== message;
  }

  end(): void {
    if (this.#last !== undefined) this.#last = { ...this.#last, over: true };
  }
}

export function causeOf({ cause, ip, rid, reason, detail }: Failure): FailureCause {
  switch (cause) {
    case 'platform':
      return { cause, ...(ip !== undefined && { ip }), ...(rid !== undefined && { rid }) };
    case 'transport':
    case 'route':
      return { cause, reason: reason ?? detail };
    case 'unreadable':
    case 'throttled':
      return { cause, detail };
  }
}
