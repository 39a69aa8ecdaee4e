import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SCRIPTS_THAT_FAILED } from './failed-scripts.ts';
import { type Outcome, runScript, runSeed, shrinkSeed } from './run.ts';
import { drawScript, ordinaryDay, stepText } from './script.ts';
import { clockText } from './log.ts';
import { INVARIANTS } from './verdicts.ts';

const HELP = `Lives through seeds in virtual time, and looks for broken promises.

  --seeds N     how many (100)        --from S      the first one (1)
  --workers N   threads (all cores)   --no-shrink   do not look for the shortest script
  --first       one seed after the other, to the first broken promise
  --speed       how fast a day without faults goes by, with two hubs, ten sidecars and a call of each in 10 minutes
  --failed N    the script at this place among those that once failed (from 0)
  --seed S      one seed; with --log its story, with --steps 3,7 only these steps of its script
`;

/** By `--speed`, behind one for the compiler. */
const DAYS_MEASURED = 5;

const { values: given } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
    'no-shrink': { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
    speed: { type: 'boolean', default: false },
    failed: { type: 'string' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    log: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** One of the workers takes every seed whose turn it is. */
interface Share {
  readonly from: number;
  readonly to: number;
  readonly by: number;
}

if (!isMainThread) {
  const { from, to, by } = workerData as Share;
  for (let seed = from; seed < to; seed += by) {
    const outcome = await runSeed(seed);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    parentPort?.postMessage(outcome);
  }
} else if (given.help) {
  console.log(HELP);
} else if (given.speed) {
  process.exitCode = await measure(Number(given.from));
} else if (given.failed !== undefined) {
  process.exitCode = await runFailed(Number(given.failed));
} else if (given.seed !== undefined) {
  process.exitCode = await runOne(Number(given.seed));
} else if (given.first) {
  process.exitCode = await runToFirst(Number(given.from), Number(given.seeds));
} else {
  process.exitCode = await runMany(Number(given.from), Number(given.seeds), Number(given.workers));
}

async function runFailed(at: number): Promise<number> {
  const failed = SCRIPTS_THAT_FAILED[at];
  if (failed === undefined)
    throw new Error(`There is no script ${at}: there are ${SCRIPTS_THAT_FAILED.length}`);
  const outcome = await runScript(failed.script, logOrNothing());
  console.log(textOf(outcome));
  return outcome.violation === undefined ? 0 : 1;
}

function logOrNothing(): ((line: string) => void) | undefined {
  return given.log ? (line) => console.log(line) : undefined;
}

async function runOne(seed: number): Promise<number> {
  const steps = given.steps?.split(',').filter(Boolean).map(Number);
  const outcome = await runSeed(seed, { steps, write: logOrNothing() });
  console.log(textOf(outcome));
  return outcome.violation === undefined ? 0 : 1;
}

async function measure(seed: number): Promise<number> {
  // The first one is for the compiler.
  await runScript(ordinaryDay(seed));
  const before = process.cpuUsage();
  let daysSum = 0;
  let callsSum = 0;
  let broken = 0;
  for (let day = 1; day <= DAYS_MEASURED; day += 1) {
    const { days, counts, violation } = await runScript(ordinaryDay(seed + day));
    daysSum += days;
    callsSum += counts.calls;
    if (violation !== undefined) broken += 1;
  }
  const { user, system } = process.cpuUsage(before);
  const daysPerS = (daysSum * 1_000_000) / (user + system);
  const calls = Math.round(callsSum / daysSum);
  console.log(`${daysPerS.toFixed(2)} simulated days per second of one core, ${calls} calls a day`);
  return broken === 0 ? 0 : 1;
}

async function runToFirst(from: number, count: number): Promise<number> {
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = await runSeed(seed);
    if (outcome.violation === undefined) continue;
    console.log(textOf(outcome));
    return 1;
  }
  console.log(`every promise was kept in ${count} seeds`);
  return 0;
}

async function runMany(from: number, count: number, workers: number): Promise<number> {
  const startedMs = Date.now();
  const outcomes: Outcome[] = [];
  const shares = Array.from({ length: Math.min(workers, count) }, (_, at) => ({
    from: from + at,
    to: from + count,
    by: Math.min(workers, count),
  }));
  const failed = await Promise.all(shares.map((share) => runShare(share, outcomes)));
  const used = process.cpuUsage();
  const broken = outcomes
    .filter(({ violation }) => violation !== undefined)
    .toSorted((a, b) => a.seed - b.seed);
  for (const outcome of broken.slice(0, 5)) await tell(outcome);
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, each) => total + of(each), 0);
  const coreS = (used.user + used.system) / 1_000_000;
  const days = sum((each) => each.days);
  console.log(
    `${outcomes.length} seeds, ${days.toFixed(1)} simulated days, ${(days / coreS).toFixed(2)} days per second of one core ` +
      `(${((Date.now() - startedMs) / 1_000).toFixed(1)} s)`,
  );
  console.log(
    `${sum((each) => each.faults)} faults, ${sum((each) => each.counts.calls)} calls, ` +
      `${sum((each) => each.counts.refusals)} refusals of dead tokens, ${sum((each) => each.counts.heals)} healed in time`,
  );
  const permitted = sum((each) => each.counts.permitted);
  console.log(`failed calls: ${permitted} permitted; broken promises: ${broken.length}`);
  return broken.length > 0 || failed.includes(true) || outcomes.length < count ? 1 : 0;
}

/** Returns whether the worker itself failed. */
function runShare(share: Share, outcomes: Outcome[]): Promise<boolean> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.on('message', (outcome: Outcome) => outcomes.push(outcome));
    worker.on('error', (error) => {
      console.log(`A promise was rejected, or something threw, in seed ${nextOf(share, outcomes)}:`);
      console.log(error);
      resolve(true);
    });
    worker.on('exit', (code) => resolve(code !== 0));
  });
}

function nextOf({ from, by }: Share, outcomes: readonly Outcome[]): number {
  const done = outcomes.filter(({ seed }) => (seed - from) % by === 0).length;
  return from + done * by;
}

/** What is needed to look into a failure. */
async function tell(outcome: Outcome): Promise<void> {
  const { seed, violation } = outcome;
  if (violation === undefined) return;
  console.log(textOf(outcome));
  console.log(`  ${INVARIANTS[violation.invariant].replaceAll(/\s+/g, ' ')}`);
  const { steps, sizes, knobs } = drawScript(seed);
  const kept = given['no-shrink'] ? steps.map((_, at) => at) : await shrinkSeed(seed, violation);
  console.log(`  in ${JSON.stringify(sizes)}`);
  console.log(`  with ${JSON.stringify(knobs)}`);
  console.log(`  the shortest script that was found (${kept.length} of ${steps.length} steps):`);
  for (const [at, step] of steps.entries()) if (kept.includes(at)) console.log(`    ${stepText(step)}`);
  console.log(`  npm run simulate -- --seed ${seed} --steps ${kept.join(',') || ','} --log\n`);
}

function textOf({ seed, violation, counts, sum }: Outcome): string {
  const mark = (sum >>> 0).toString(16).padStart(8, '0');
  if (violation === undefined)
    return `seed ${seed}: every promise was kept  ${JSON.stringify(counts)}  ${mark}`;
  return `seed ${seed}: BROKEN at ${clockText(violation.atMs)}: ${violation.invariant}: ${violation.what}`;
}
