/** How much of a written body may still be in the buffers of the two systems, invisible to us. */
const UNSEEN_BYTES_MAX = 8 * 1024 * 1024;

/**
 * How slowly the other side reads a body. What is still unread when we have written everything is read at the same
 * pace, and until then the response is not late.
 */
export class Backlog {
  #sinceMs: number | undefined;
  #waitedMs = 0;

  /** The other side has stopped reading, until `taken`. */
  full(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  taken(nowMs: number): void {
    if (this.#sinceMs !== undefined) this.#waitedMs += nowMs - this.#sinceMs;
    this.#sinceMs = undefined;
  }

  /** The time for the rest of a body of this size; 0 if it was read as fast as it was written. */
  restMs(bodyBytes: number): number {
    return this.#waitedMs * Math.min(1, UNSEEN_BYTES_MAX / Math.max(1, bodyBytes));
  }
}
