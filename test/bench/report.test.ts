import test from 'ava';
import { judge } from '../../bench/bars.ts';
import { median, merge, percentile, quantile } from '../../bench/histogram.ts';
import { cpuRatio } from '../../bench/ratios.ts';
import { report } from '../../bench/report.ts';
import type { Results, Slice, SystemResult } from '../../bench/results.ts';

test('a percentile is the duration that this share of the calls does not exceed', (t) => {
  const histogram = merge([
    new Map([
      [300, 1],
      [100, 90],
    ]),
    new Map([[200, 9]]),
  ]);
  t.is(percentile(histogram, 0.5), 100);
  t.is(percentile(histogram, 0.99), 200);
  t.is(percentile(histogram, 0.999), 300);
  t.is(percentile(new Map(), 0.5), NaN);
  t.is(median([3, 1, 2]), 2);
  t.is(quantile([1, 2], 0.25), 1.25);
  t.is(median([]), NaN);
});

test('a ratio is computed for each round, and a round that one of the two lacks does not count', (t) => {
  const results = resultsOf(
    system('sidecar-24', { get: [slice(0, 30), slice(1, 90), slice(2, 60), slice(3, 1)] }),
    system('nginx-lua', { get: [slice(0, 10), slice(1, 30), slice(2, 30)] }),
  );
  const pair = { system: 'sidecar-24', base: 'nginx-lua', shape: 'get' };
  t.is(cpuRatio(results, pair), '3.00 (2.50–3.00)');
  t.is(cpuRatio(results, { ...pair, shape: 'post' }), '');
});

test('a bound is met, is exceeded, or was not measured', (t) => {
  const lines = judge(
    resultsOf(
      system('sidecar-24', { get: [slice(0, 21)], post: [slice(0, 23)], steady: [slice(0, 9, 3_500)] }),
      system('nginx-lua', { get: [slice(0, 10)], post: [slice(0, 10)], steady: [slice(0, 9, 500)] }),
    ),
  );
  const [get, post, json4k, p99] = lines;
  t.regex(get ?? '', /^holds .* 2\.10$/);
  t.regex(post ?? '', /^does not hold .* 2\.30$/);
  t.regex(json4k ?? '', /^not measured /);
  t.regex(p99 ?? '', /^does not hold .* 3\.00$/);
  const said = (words: string): string => lines.find((line) => line.includes(words)) ?? '';
  t.regex(said('get, at most 1 × nginx-lua'), /^does not hold .* 2\.10$/);
  t.regex(said('p99.9 at 500/s'), /^holds .* 3\.00$/);
  t.regex(said('ms over direct'), /^not measured /);
  t.regex(said('memory at rest'), /^not measured /);
});

test('a tail latency is not judged if something else used the core meanwhile', (t) => {
  const busy = { ...slice(0, 9, 900), waitedUsPerCall: 400 };
  const lines = judge(
    resultsOf(system('sidecar-24', { steady: [busy] }), system('nginx-lua', { steady: [slice(0, 9, 500)] })),
  );
  t.regex(lines.find((line) => line.includes('p99 ')) ?? '', /^machine busy .* 0\.40, which says nothing$/);
});

test('a tail latency is not judged if the host gave the core to others for too long', (t) => {
  const lineOf = (tail: string, stolenShare: number): string =>
    judge(
      resultsOf(
        system('sidecar-24', { steady: [{ ...slice(0, 9, 900), stolenShare }] }),
        system('nginx-lua', { steady: [slice(0, 9, 500)] }),
      ),
    ).find((line) => line.includes(`${tail} `)) ?? '';
  t.regex(lineOf('p99', 0.004), /^holds /);
  t.regex(lineOf('p99', 0.006), /^machine busy /);
  t.regex(lineOf('p99.9', 0.0004), /^holds /);
  t.regex(lineOf('p99.9', 0.0006), /^machine busy /);
});

test('a tail latency is not judged if calls without any system in between are as late', (t) => {
  const systems = [
    system('sidecar-24', { steady: [slice(0, 9, 900)] }),
    system('nginx-lua', { steady: [slice(0, 9, 500)] }),
  ];
  const lineOf = (tail: string, direct: Slice): string =>
    judge(resultsOf(...systems, system('direct', { steady: [direct] }))).find((line) =>
      line.includes(`${tail} `),
    ) ?? '';
  t.regex(lineOf('p99', slice(0, 9, 400)), /^holds .* 0\.40$/);
  t.regex(lineOf('p99', slice(0, 9, 6_000)), /^machine busy .* 0\.40, which says nothing$/);
  // Each percentile on its own.
  const few = {
    ...slice(0, 9),
    times: new Map([
      [400, 995],
      [6_000, 5],
    ]),
  };
  t.regex(lineOf('p99', few), /^holds .* 0\.40$/);
  t.regex(lineOf('p99.9', few), /^machine busy .* 0\.40, which says nothing$/);
});

test('the report has a row for each system, and names what is missing', (t) => {
  const printed = report({
    ...resultsOf(
      system('nginx-lua', { get: [slice(0, 10)] }),
      system('http-proxy-24', { get: [slice(0, 30)] }),
    ),
    problems: ['haproxy: this machine lacks it'],
  });
  t.regex(printed, /^\| http-proxy-24 +\| +all \| +30 \|$/m);
  t.regex(printed, /^\| http-proxy-24 +\| +3\.00 \(3\.00–3\.00\) \|$/m);
  t.regex(printed, /^haproxy: this machine lacks it$/m);
});

test('a sidecar with other settings is compared with the one that has the defaults, and no other system is', (t) => {
  const printed = report(
    resultsOf(
      system('nginx-lua', { get: [slice(0, 10)] }),
      system('sidecar-24', { get: [slice(0, 30)] }),
      system('sidecar-traced-24', { get: [slice(0, 45)] }),
    ),
  );
  const [, table = ''] = printed.split('as a multiple of the sidecar with default settings\n\n');
  t.deepEqual(table.split('\n\n')[0]?.match(/^\| [a-z].*$/gm), [
    '| system            |              GET |',
    '| sidecar-traced-24 | 1.50 (1.50–1.50) |',
  ]);
});

function slice(round: number, cpuUsPerCall: number, us = 100): Slice {
  const times = new Map([[us, 1]]);
  return {
    round,
    calls: 1,
    errors: 0,
    cpuUsPerCall,
    waitedUsPerCall: 0,
    callsPerS: 1,
    stolenShare: 0,
    times,
  };
}

function system(name: string, slices: Record<string, Slice[]>): SystemResult {
  return {
    name,
    family: name.replace(/-\d+$/, ''),
    does: 'all',
    startMs: [1],
    idle: { nowMib: 1, anonymousMib: 1, peakMib: 1 },
    restShare: 0,
    memory: undefined,
    slices: new Map(Object.entries(slices)),
  };
}

function resultsOf(...systems: SystemResult[]): Results {
  return { systems, far: [], problems: [] };
}
