const HOUR_MS = 3_600_000;
const HOURS = 24;

/** Counts the events of the last day, in buckets of an hour, in constant space. */
export class RollingCount {
  readonly #hours: Map<number, number> = new Map();

  add(nowMs: number): void {
    const hour = Math.floor(nowMs / HOUR_MS);
    this.#hours.set(hour, (this.#hours.get(hour) ?? 0) + 1);
    for (const old of this.#hours.keys()) {
      if (old <= hour - HOURS) this.#hours.delete(old);
    }
  }

  /** The sum of the current hour and the 23 before it. */
  total(nowMs: number): number {
    const hour = Math.floor(nowMs / HOUR_MS);
    let total = 0;
    for (const [at, count] of this.#hours) {
      if (at > hour - HOURS) total += count;
    }
    return total;
  }
}
