import { parseArgs } from 'node:util';
import { drawSent } from './odd-bytes.ts';
import { judgeInMemory } from './upstream.ts';
import { judgeOverSockets, openSockets } from './sockets.ts';

const HELP = `Sends odd bytes, drawn from seeds, and looks for what two readers take for different things.

  npm run fuzz -- upstream     responses of an upstream: our client and that of node:http (the default)

  --seconds N   how long (60)         --from S     the first seed (1)
  --seed N      one seed, and what becomes of it
`;

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** Of so many seeds, one goes over sockets too. */
const SOCKETS_EACH = 50;
const FAULTS_MAX = 20;

const TARGETS: Readonly<Record<string, () => Promise<number>>> = { upstream: fuzzUpstream };

const target = TARGETS[positionals[0] ?? 'upstream'];
if (given.help || target === undefined) {
  console.log(HELP);
  process.exitCode = given.help ? 0 : 2;
} else {
  process.exitCode = await target();
}

async function fuzzUpstream(): Promise<number> {
  const sockets = await openSockets();
  const only = given.seed === undefined ? undefined : Number(given.seed);
  const endMs = Date.now() + Number(given.seconds) * 1_000;
  const counts = { seeds: 0, both: 0, ours: 0, node: 0, sockets: 0, faulty: 0 };
  for (
    let seed = only ?? Number(given.from);
    only !== undefined ? seed === only : Date.now() < endMs;
    seed += 1
  ) {
    const sent = drawSent(seed);
    const { accepted, faults } = await judgeInMemory(sent);
    const all = [...faults];
    if (only !== undefined || seed % SOCKETS_EACH === 0) {
      counts.sockets += 1;
      all.push(...(await judgeOverSockets(sockets, sent)));
    }
    counts.seeds += 1;
    if (accepted[0] && accepted[1]) counts.both += 1;
    else if (accepted[0]) counts.ours += 1;
    else if (accepted[1]) counts.node += 1;
    if (only !== undefined)
      console.log(JSON.stringify(sent), accepted.filter(Boolean).join(' and ') || 'nobody');
    if (all.length === 0) continue;
    counts.faulty += 1;
    console.log(`seed ${seed}: ${all.join('; ')}\n  ${JSON.stringify(sent)}`);
    if (counts.faulty >= FAULTS_MAX) break;
  }
  const leaked = await sockets.close();
  if (leaked.length > 0) console.log(leaked.join('\n'));
  console.log(
    `${counts.seeds} responses, ${counts.sockets} over sockets: ${counts.both} read by both, ${counts.ours} by ours alone, ${counts.node} by Node alone; ${counts.faulty} with a difference that nothing explains`,
  );
  return counts.faulty + leaked.length === 0 ? 0 : 1;
}
