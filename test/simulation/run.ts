import { drawScript, type Script } from './script.ts';
import type { Counts } from './judge.ts';
import type { Violation } from './verdicts.ts';
import { World } from './world.ts';

/** What came of one run. */
export interface Outcome {
  readonly seed: number;
  /** Simulated time, in days. */
  readonly days: number;
  readonly faults: number;
  readonly counts: Counts;
  /** The same for the same script. */
  readonly sum: number;
  readonly violation: Violation | undefined;
}

export interface RunOptions {
  /** Only these of the script's steps, by their numbers; undefined: all of them. */
  readonly steps?: readonly number[] | undefined;
  readonly write?: ((line: string) => void) | undefined;
}

/** Lives through a seed. */
export async function runSeed(seed: number, { steps, write }: RunOptions = {}): Promise<Outcome> {
  const script = drawScript(seed);
  const chosen: Script =
    steps === undefined ? script : { ...script, steps: script.steps.filter((_, at) => steps.includes(at)) };
  return runScript(chosen, write);
}

/** Lives through what was drawn, or written down. */
export async function runScript(script: Script, write?: RunOptions['write']): Promise<Outcome> {
  const world = new World(script, { write });
  const judge = await world.run();
  return {
    seed: script.seed,
    days: world.schedule.nowMs / 86_400_000,
    faults: world.faults.carriedOut,
    counts: judge.counts,
    sum: world.story.sum,
    violation: judge.violation,
  };
}

/** The numbers of the fewest steps with which the seed still breaks the same promise, as far as they are found. */
export async function shrinkSeed(seed: number, { invariant }: Violation): Promise<number[]> {
  const all = drawScript(seed).steps.map((_, at) => at);
  return shrink(all, async (steps) => (await runSeed(seed, { steps })).violation?.invariant === invariant);
}

const TRIES_MAX = 300;

/** Leaves out ever smaller parts of what fails, for as long as it still does. */
export async function shrink<Item>(
  items: readonly Item[],
  fails: (items: readonly Item[]) => Promise<boolean>,
): Promise<Item[]> {
  let left = [...items];
  let tries = 0;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length && tries < TRIES_MAX;) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      tries += 1;
      if (await fails(without)) left = without;
      else at += size;
    }
  }
  return left;
}
