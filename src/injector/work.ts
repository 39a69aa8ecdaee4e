/** One review in progress: first its body, then its response. */
export interface Work {
  /** Sets how many bytes it holds from now on. */
  holds(bytes: number): void;
  /** It holds nothing any more. */
  end(): void;
}

/**
 * Limits the memory of all reviews in progress together. If one needs more than is left, the oldest others
 * are aborted: an API server sends a review in one go and reads its response at once, so the slowest client
 * is not an API server.
 */
export class WorkBudget {
  readonly #bytesMax: number;
  readonly #held = new Map<Work, { bytes: number; readonly cut: () => void }>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  bytes(): number {
    return this.#bytes;
  }

  begin(cut: () => void): Work {
    const entry = { bytes: 0, cut };
    const work: Work = {
      holds: (bytes) => {
        if (!this.#held.has(work)) return;
        this.#bytes += bytes - entry.bytes;
        entry.bytes = bytes;
        this.#makeRoom(work);
      },
      end: () => {
        if (this.#held.delete(work)) this.#bytes -= entry.bytes;
      },
    };
    this.#held.set(work, entry);
    return work;
  }

  #makeRoom(asking: Work): void {
    for (const [work, { cut }] of this.#held) {
      if (this.#bytes <= this.#bytesMax) return;
      if (work === asking) continue;
      work.end();
      cut();
    }
  }
}
