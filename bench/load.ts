/** Runs a load generator in its own process, next to what is measured. */
import { runBeside } from './children.ts';
import type { Job, Outcome } from './generator.ts';
import type { Histogram } from './histogram.ts';
import { programFile, programs, sourceFile } from './machine.ts';

export interface Load {
  readonly calls: number;
  readonly errors: number;
  /** What went wrong, and how often; wrk does not report it. */
  readonly failures?: Outcome['failures'];
  readonly seconds: number;
  readonly times: Histogram;
  /** CPU time of the generator itself; wrk does not report it. */
  readonly cpuUs?: number;
}

/**
 * Of the generator, in MiB: more than it allocates while it measures. Its own collections would make calls late, whatever
 * they go through.
 */
const YOUNG_GENERATION_MIB = 256;
/** How much longer than planned a generator may take. */
const PATIENCE_MS = 20_000;

export const fullLoadBy =
  programs.wrk === undefined ? 'its own generator (wrk is missing, and costs less)' : 'wrk';

/** As many calls as are answered. */
export async function fullLoad(job: Job): Promise<Load> {
  if (programs.wrk === undefined) return generate(job);
  const { port, connections, seconds, requests } = job;
  const flags = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '--timeout', '5s'];
  const script = ['-s', sourceFile('bench/wrk.lua'), `http://127.0.0.1:${port}`, '--', ...requests];
  const printed = await runBeside(programs.wrk, [...flags, ...script], seconds * 1_000 + PATIENCE_MS);
  return read(/^JSON (.*)$/m.exec(printed)?.[1] ?? '{}');
}

/** A constant rate, or a connection per call. */
export async function generate(job: Job): Promise<Load> {
  const young = ['min', 'max'].map((end) => `--${end}-semi-space-size=${YOUNG_GENERATION_MIB}`);
  const args = [...young, programFile('./generator.js'), JSON.stringify(job)];
  return read(await runBeside(process.execPath, args, job.seconds * 1_000 + PATIENCE_MS));
}

function read(json: string): Load {
  const outcome = JSON.parse(json) as Outcome;
  return { ...outcome, times: new Map(outcome.times) };
}
