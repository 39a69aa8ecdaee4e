/** One series of a histogram. */
export interface Tally {
  observe(seconds: number): void;
}

/** Named as in prom-client. */
export interface TallyOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly [string];
  readonly buckets: readonly number[];
  readonly registers: readonly { registerMetric(metric: never): void }[];
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * A histogram with one label that prom-client shows. An observation is an addition in an array: prom-client's own looks
 * up its series by a string of all labels each time, a twentieth of the cost of a call.
 */
export class TallyHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #label: string;
  readonly #boundsSeconds: readonly number[];
  readonly #tallies = new Map<string, BucketTally>();

  constructor({ name, help, labelNames, buckets, registers }: TallyOptions) {
    this.name = name;
    this.help = help;
    [this.#label] = labelNames;
    this.#boundsSeconds = buckets;
    // Their types name classes of prom-client, but they only need a `get`.
    for (const registry of registers) registry.registerMetric(this as never);
  }

  labels(value: string): Tally {
    const tally = this.#tallies.get(value) ?? new BucketTally(this.#boundsSeconds);
    this.#tallies.set(value, tally);
    return tally;
  }

  /** The interface that prom-client expects. */
  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const values = [...this.#tallies].flatMap(([value, tally]) => this.#samples(value, tally));
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  #samples(value: string, { counts, sum }: BucketTally): Sample[] {
    const labels = { [this.#label]: value };
    let total = 0;
    const buckets = [...counts].map((count, at) => {
      total += count;
      const le = this.#boundsSeconds[at] ?? '+Inf';
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: total },
    ];
  }
}

class BucketTally implements Tally {
  readonly #boundsSeconds: readonly number[];
  /** Per bucket, not cumulative; the last one has no bound. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(boundsSeconds: readonly number[]) {
    this.#boundsSeconds = boundsSeconds;
    this.counts = new Float64Array(boundsSeconds.length + 1);
  }

  observe(seconds: number): void {
    const bounds = this.#boundsSeconds;
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] as number)) at += 1;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += seconds;
  }
}
