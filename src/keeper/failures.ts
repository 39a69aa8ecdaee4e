/** What went wrong last, in words. Times are Unix milliseconds. */
export interface LastFailure {
  readonly errcode: number;
  readonly message: string;
  readonly rid?: string;
  /** Since when it has been failing without a success in between. */
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

  /** Answers whether it is another failure than the one that still lasts. */
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
