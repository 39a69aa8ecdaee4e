/** The last failure, for people. Times are Unix milliseconds. */
export interface LastFailure {
  readonly errcode: number;
  readonly message: string;
  readonly rid?: string;
  /** When the current series of failures, without a success in between, began. */
  readonly sinceUnixMs: number;
  readonly lastUnixMs: number;
  readonly times: number;
  /** Whether a fetch has succeeded since. */
  readonly over: boolean;
}

/** Remembers the last failure of an account, and how long it has been failing. */
export class Failures {
  #last: LastFailure | undefined;

  get last(): LastFailure | undefined {
    return this.#last;
  }

  /** Returns whether this differs from the failure that still lasts. */
  note(errcode: number, message: string, rid: string | undefined, nowUnixMs: number): boolean {
    const lasting = this.#last?.over === false ? this.#last : undefined;
    this.#last = {
      errcode,
      message,
      ...(rid !== undefined && { rid }),
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
