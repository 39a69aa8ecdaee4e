/**
 * Sends what nobody thought of to a listener with the express lane and to one without, for as long as it is
 * told, and ends with 1 at the first difference.
 *
 *   node build/test/support/fuzz-lanes.js --seconds 60 [--seed N]
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { conversation, differenceOf, hastyClock } from './lane-fuzz.ts';
import { startLanes } from './two-lanes.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const teardown = { teardown(): void {} };
const both = [
  await startLanes(teardown, true, { clock: hastyClock }),
  await startLanes(teardown, false),
] as const;
let runs = 0;
const details = await fc.check(
  fc.asyncProperty(conversation, async (given) => {
    runs += 1;
    const difference = await differenceOf(both, given);
    if (difference !== undefined) throw new Error(difference);
  }),
  { seed, numRuns: Infinity, interruptAfterTimeLimit: seconds * 1_000 },
);
const { failed, counterexample } = details;
const said = failed
  ? `A difference after ${runs} conversations: ${JSON.stringify(counterexample)}\n${fc.defaultReportMessage(details)}`
  : `No difference in ${runs} conversations`;
process.stdout.write(`${said} (seed ${seed})\n`);
process.exit(failed ? 1 : 0);
