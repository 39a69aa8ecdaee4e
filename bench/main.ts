/**
 * The cost of a call through the sidecar, compared with other proxies at the same time. README.md in this folder
 * explains the method and how to read the output.
 *
 *   npm run bench
 *   npm run bench -- --quick --only nginx-lua,sidecar
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cores, stopAll } from './children.ts';
import { fullLoadBy } from './load.ts';
import { isLinux } from './machine.ts';
import {
  type Bench,
  measureDirect,
  measureFar,
  measureRound,
  rest,
  type Running,
  start,
  type Subject,
  unaided,
  warmUp,
} from './measure.ts';
import { type Options, parseOptions } from './options.ts';
import { report } from './report.ts';
import { FAR, STEADY } from './shapes.ts';
import { startUpstream } from './upstream.ts';
import { memory } from './usage.ts';

async function main(): Promise<void> {
  const options = isLinux ? parseOptions(process.argv.slice(2)) : 'Cannot measure here: it needs Linux.\n';
  if (typeof options === 'string') {
    process.stdout.write(options);
    process.exitCode = options.startsWith('Cannot') ? 1 : 0;
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  try {
    await run(options, folder);
  } finally {
    await stopAll();
  }
}

async function run(options: Options, folder: string): Promise<void> {
  const bench: Bench = { options, folder, upstream: await startUpstream(folder), problems: [] };
  print(about(bench));
  const subjects = await startAll(bench);
  for (const subject of subjects) {
    progress(`warming up ${subject.result.name}`);
    await warmUp(bench, subject);
  }
  const direct = options.shapes.has(STEADY.name) ? [unaided()] : [];
  for (let round = 0; round < options.rounds; round++) {
    progress(`round ${round + 1} of ${options.rounds}`);
    // Each round starts with a different one, so that none is always the first.
    const first = round % Math.max(1, subjects.length);
    await measureRound(bench, [...subjects.slice(first), ...subjects.slice(0, first)], round);
    for (const result of direct) await measureDirect(bench, result, round);
  }
  for (const { result, pids } of subjects) result.memory = memory(pids);
  const far = options.shapes.has(FAR) ? await measureFar(bench) : [];
  print(
    report({ systems: [...subjects.map(({ result }) => result), ...direct], far, problems: bench.problems }),
  );
}

/** All stay up together, so that their slices can alternate. */
async function startAll(bench: Bench): Promise<Subject[]> {
  const running: Running[] = [];
  for (const system of bench.options.systems) {
    if (system.prepare === undefined) {
      bench.problems.push(`${system.name}: this machine lacks it`);
      continue;
    }
    progress(`starting ${system.name}`);
    try {
      running.push(await start(bench, system));
    } catch (error) {
      bench.problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  progress('at rest');
  return rest(bench, running);
}

function about({ options, upstream }: Bench): string {
  const pinned =
    cores === undefined
      ? 'not pinned (no taskset, or one core)'
      : `systems on core ${cores.measured}, all else on ${cores.others}`;
  return [
    `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores; ${pinned}`,
    `platform: ${upstream.what}; full load by ${fullLoadBy}`,
    `${options.rounds} rounds; slices of ${options.sliceSeconds} s under full load, ${options.steadySeconds} s at 500/s`,
    '',
  ].join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
