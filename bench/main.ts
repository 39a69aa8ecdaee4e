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
import { cores, stop, stopAll } from './children.ts';
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
import type { System } from './systems.ts';
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

/**
 * Starts all of them in turns, as often as the options say: what else happens on the machine hits all alike. The last instances
 * stay up together, so that their slices can alternate.
 */
async function startAll(bench: Bench): Promise<Subject[]> {
  const startMs = new Map<string, number[]>();
  let running: Running[] = [];
  let systems = bench.options.systems.filter(isHere(bench));
  for (let time = 0; time < bench.options.starts; time++) {
    progress(`start ${time + 1} of ${bench.options.starts}`);
    for (const { child } of running) await stop(child);
    running = [];
    for (const system of systems) {
      try {
        const started = await start(bench, system);
        startMs.set(system.name, [...(startMs.get(system.name) ?? []), ...started.startMs]);
        running.push({ ...started, startMs: startMs.get(system.name) ?? [] });
      } catch (error) {
        bench.problems.push(error instanceof Error ? error.message : String(error));
        systems = systems.filter((other) => other !== system);
      }
    }
  }
  progress('at rest');
  return rest(bench, running);
}

function isHere({ problems }: Bench): (system: System) => boolean {
  return ({ name, prepare }) => {
    if (prepare === undefined) problems.push(`${name}: this machine lacks it`);
    return prepare !== undefined;
  };
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
