import { Counter, Gauge, Registry } from 'prom-client';
import { registerProcessMetrics } from './process-metrics.ts';
import { TallyHistogram } from './tally-histogram.ts';

/** The metrics of one process, and the page that shows them. */
export interface Metrics {
  readonly contentType: string;
  page(): Promise<string>;
  /**
   * The metrics of a part, which are created and shown from the first call on. Later calls return the same: parts that
   * share a process, or that are started again, count in the same metrics.
   */
  of<Part>(define: (registry: MetricRegistry) => Part): Part;
}

/** Creates metrics. The names, labels and help texts are listed in docs/reference.md. */
export interface MetricRegistry {
  counter<Label extends string = never>(options: CounterOptions<Label>): LabelledCounter<Label>;
  gauge<Label extends string>(options: MetricOptions<Label>): LabelledGauge<Label>;
  /** A gauge that costs nothing until the page is requested. */
  readGauge(options: ReadGaugeOptions): void;
  /** A histogram of seconds, with one label. */
  durations(options: MetricOptions<string> & { readonly labelNames: readonly [string] }): TallyHistogram;
}

interface MetricOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
}

interface CounterOptions<Label extends string> extends Omit<MetricOptions<Label>, 'labelNames'> {
  readonly labelNames?: readonly Label[];
  /** Called before the page shows the counter. */
  readonly collect?: () => void;
}

interface ReadGaugeOptions extends Omit<MetricOptions<never>, 'labelNames'> {
  /** Without a sample as long as it returns undefined. */
  readonly read: () => number | undefined;
}

type Labels<Label extends string> = Readonly<Record<Label, string>>;

interface LabelledCounter<Label extends string> {
  inc(labels: Labels<Label>, value?: number): void;
}

interface LabelledGauge<Label extends string> {
  set(labels: Labels<Label>, value: number): void;
  remove(labels: Labels<Label>): void;
}

export interface BuildInfo {
  readonly version: string;
  readonly role: string;
  /** Node's version. */
  readonly node: string;
}

/** From a fast response of the platform to the longest common upload. */
const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Each call has a registry of its own, so that several roles can share a process. */
export function makeMetrics(build: BuildInfo): Metrics {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const creates = registryOf(registry);
  creates
    .gauge({
      name: 'wechat_sidecar_build_info',
      help: 'Always 1; the labels say what runs.',
      labelNames: ['version', 'role', 'node'],
    })
    .set({ ...build }, 1);
  const parts = new Map<unknown, unknown>();
  return {
    contentType: registry.contentType,
    page: () => registry.metrics(),
    of<Part>(define: (created: MetricRegistry) => Part): Part {
      if (!parts.has(define)) parts.set(define, define(creates));
      return parts.get(define) as Part;
    },
  };
}

function registryOf(registry: Registry): MetricRegistry {
  const registers = [registry];
  return {
    counter: ({ labelNames = [], ...options }) => new Counter({ ...options, labelNames, registers }),
    gauge: (options) => new Gauge({ ...options, registers }),
    readGauge({ name, help, read }) {
      // oxlint-disable-next-line no-new -- it registers itself, and reads what it shows
      new Gauge({
        name,
        help,
        registers,
        collect() {
          const value = read();
          if (value === undefined) this.remove();
          else this.set(value);
        },
      });
    },
    durations: (options) => new TallyHistogram({ ...options, buckets: BUCKETS_SECONDS, registers }),
  };
}
