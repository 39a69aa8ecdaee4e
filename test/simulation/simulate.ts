import { drawScript } from './script.ts';
import { World } from './world.ts';

const from = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 1);
const log = process.argv[4] === '--log';
const ignored = new Set((process.env['IGNORE'] ?? '').split(','));
let days = 0;
let heals = 0;
const start = process.cpuUsage();
for (let seed = from; seed < from + count; seed += 1) {
  const script = drawScript(seed);
  const world = new World(script, { write: log ? (line) => console.log(line) : undefined, ignored });
  if (log) console.log(JSON.stringify({ ...script, steps: script.steps.length }));
  const judge = await world.run();
  days += world.schedule.nowMs / 86_400_000;
  heals += judge.counts.heals;
  if (judge.violation || count < 5)
    console.log(seed, world.story.sum.toString(16), world.schedule.events, JSON.stringify(judge.violation), JSON.stringify(judge.counts));
}
const used = process.cpuUsage(start);
console.log('heals', heals, 'days', days, 'per second', days / ((used.user + used.system) / 1e6));
