/** Of a body that was written, so much may still be in the buffers of the two systems, unseen by us. */
const UNSEEN_BYTES_MAX = 8 * 1024 * 1024;

/**
 * How slowly the other side takes a body. What it has not read when we have written all, it reads as slowly as
 * before, and is not late with its answer until then.
 */
export class Backlog {
  #sinceMs: number | undefined;
  #waitedMs = 0;

  /** It does not read; `taken` says that it does again. */
  full(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  taken(nowMs: number): void {
    if (this.#sinceMs !== undefined) this.#waitedMs += nowMs - this.#sinceMs;
    this.#sinceMs = undefined;
  }

  /** For the rest of a body of so many bytes; 0 if it was read as fast as it was written. */
  restMs(bodyBytes: number): number {
    return this.#waitedMs * Math.min(1, UNSEEN_BYTES_MAX / Math.max(1, bodyBytes));
  }
}
