/** The results as Markdown tables that are readable as plain text. */
import { judge } from './bars.ts';
import { countOf, median, merge, percentile } from './histogram.ts';
import { cpuRatio } from './ratios.ts';
import { type Results, type Slice, type SystemResult, VARIANTS } from './results.ts';
import { DIED, SHAPES, STEADY } from './shapes.ts';

interface Column {
  readonly title: string;
  readonly cell: (result: SystemResult) => string;
}

const ALL_SHAPES = [...SHAPES, STEADY, DIED];

export function report(results: Results): string {
  const parts: [title: string, body: string][] = [
    ['CPU per call, µs', cpuTable(results)],
    ['Calls and their times (GET), µs', timesTable(results)],
    ['Memory, start and rest', footprintTable(results)],
    [
      'CPU per call as a multiple of nginx-lua: median of the rounds (middle half)',
      ratioTable(results, () => 'nginx-lua'),
    ],
    [
      'CPU per call as a multiple of http-proxy on the same Node',
      ratioTable(results, (result) => httpProxyFor(results, result)),
    ],
    [
      'CPU per call as a multiple of the sidecar with default settings',
      ratioTable(results, (result) => plainSidecarFor(result)),
    ],
    ['Platform at a round trip of 20 ms, 50 calls/s', farTable(results)],
    ['Not measured, or with errors', results.problems.join('\n')],
    ['Bars', judge(results).join('\n')],
  ];
  return parts
    .filter(([, body]) => body !== '')
    .map(([title, body]) => `## ${title}\n\n${body}\n`)
    .join('\n');
}

function cpuTable({ systems }: Results): string {
  const columns = measuredShapes(systems).map(({ name, title }) => ({
    title,
    cell: ({ slices }: SystemResult) =>
      number(medianOf(slices.get(name), ({ cpuUsPerCall }) => cpuUsPerCall)),
  }));
  return table(systems, [{ title: 'does', cell: ({ does }) => does }, ...columns]);
}

function timesTable({ systems }: Results): string {
  return table(systems, [
    {
      title: 'calls/s',
      cell: ({ slices }) => number(medianOf(slices.get('get'), ({ callsPerS }) => callsPerS)),
    },
    ...timesColumns('get', 'full load'),
    ...timesColumns(STEADY.name, 'at 500/s'),
    {
      title: 'waited for the core',
      cell: ({ slices }) =>
        number(medianOf(slices.get(STEADY.name), ({ waitedUsPerCall }) => waitedUsPerCall)),
    },
    {
      title: 'first after token died',
      cell: ({ slices }) => number(medianOf(slices.get(DIED.name), ({ times }) => percentile(times, 0.5))),
    },
  ]);
}

/** Medians of the rounds; p99.9 needs the calls of all rounds together, and says how many there were. */
function timesColumns(shape: string, where: string): Column[] {
  const ofRounds = (share: number) => (result: SystemResult) =>
    number(medianOf(result.slices.get(shape), ({ times }) => percentile(times, share)));
  const all = (result: SystemResult): Slice[] => result.slices.get(shape) ?? [];
  return [
    { title: `${where}: p50`, cell: ofRounds(0.5) },
    { title: 'p99', cell: ofRounds(0.99) },
    {
      title: 'p99.9',
      cell: (result) => number(percentile(merge(all(result).map(({ times }) => times)), 0.999)),
    },
    {
      title: 'of calls',
      // wrk adds calls that it would have made, and at a constant rate not every call is timed.
      cell: (result) =>
        number(
          all(result).reduce((sum, { calls, times }) => sum + Math.min(calls, countOf(times)), 0) || NaN,
        ),
    },
  ];
}

function footprintTable({ systems }: Results): string {
  return table(systems, [
    { title: 'idle MiB', cell: ({ idle }) => number(idle?.nowMib ?? NaN) },
    { title: 'peak MiB', cell: ({ memory }) => number(memory?.peakMib ?? NaN) },
    { title: 'start to first answered call, ms', cell: ({ startMs }) => number(median(startMs)) },
    {
      title: 'CPU at rest, % of a core',
      cell: ({ restShare }) => (Number.isNaN(restShare) ? '' : (restShare * 100).toFixed(2)),
    },
  ]);
}

function ratioTable(results: Results, baseOf: (result: SystemResult) => string): string {
  const { systems } = results;
  const columns = measuredShapes(systems).map(({ name: shape, title }) => ({
    title,
    cell: (result: SystemResult) => cpuRatio(results, { system: result.name, base: baseOf(result), shape }),
  }));
  const rows = systems.filter((result) => columns.some(({ cell }) => cell(result) !== ''));
  return rows.length === 0 ? '' : table(rows, columns);
}

/** Compares on the same Node version, or on the newest one. */
function httpProxyFor({ systems }: Results, { name, family }: SystemResult): string {
  const proxies = systems.filter((result) => result.family === 'http-proxy').map((result) => result.name);
  const alike = name.replace(family, 'http-proxy');
  return proxies.includes(alike) ? alike : (proxies.at(-1) ?? '');
}

/** Only its variants are compared with it. */
function plainSidecarFor({ name, family }: SystemResult): string {
  return VARIANTS.has(family) ? name.replace(family, 'sidecar') : '';
}

function farTable({ far }: Results): string {
  const head = ['way', 'p50, ms', 'p99, ms', 'of calls', 'CPU of the caller, µs', 'CPU of the sidecar, µs'];
  const rows = far.map(({ name, times, callerCpuUs, sidecarCpuUs }) => [
    name,
    (percentile(times, 0.5) / 1_000).toFixed(1),
    (percentile(times, 0.99) / 1_000).toFixed(1),
    number(countOf(times)),
    number(callerCpuUs),
    number(sidecarCpuUs ?? NaN),
  ]);
  return rows.length === 0 ? '' : markdown([head, ...rows]);
}

function measuredShapes(systems: readonly SystemResult[]): { name: string; title: string }[] {
  return ALL_SHAPES.filter(({ name }) => systems.some(({ slices }) => slices.has(name)));
}

function table(systems: readonly SystemResult[], columns: readonly Column[]): string {
  const used = columns.filter(({ cell }) => systems.some((result) => cell(result) !== ''));
  const head = ['system', ...used.map(({ title }) => title)];
  return markdown([head, ...systems.map((result) => [result.name, ...used.map(({ cell }) => cell(result))])]);
}

function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) =>
    Math.max(3, ...[title, ...rows.map((row) => row[at] ?? '')].map(({ length }) => length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => (cells[at] ?? '')[at === 0 ? 'padEnd' : 'padStart'](width)).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function medianOf(slices: readonly Slice[] | undefined, value: (slice: Slice) => number): number {
  return median((slices ?? []).map(value));
}

function number(value: number): string {
  if (Number.isNaN(value)) return '';
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}
