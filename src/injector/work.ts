/** One review under way: its body, then its answer. */
export interface Work {
  /** What it holds from now on. */
  holds(bytes: number): void;
  /** It holds nothing any more. */
  end(): void;
}

/**
 * Bounds what all reviews under way hold together. When one needs more than is left, the oldest others
 * are cut: an API server sends a review in one go and takes its answer at once, so whoever has been at
 * it for the longest is somebody else.
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
