/**
 * What a call costs as something grows: connections, accounts, different paths, bodies that are kept for a replay.
 * Prints a table, and draws a plot. README.md in this folder has the method.
 *
 *   npm run bench:scale -- [--rounds N] [--seconds N] [--only NAMES] [--plot FILE]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stopAll } from './children.ts';
import { median } from './histogram.ts';
import { generate } from './load.ts';
import { drawPanels } from './plot.ts';
import { RawClient } from './raw-client.ts';
import { manyPaths, ofAccounts, SMALL_GET, hangingPost, writeRequest } from './scale-requests.ts';
import { startWithAccounts, type WithAdmin } from './systems.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import { cpuTime, memory } from './usage.ts';

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly only: readonly string[] | undefined;
  readonly plot: string | undefined;
}

/** One question: what grows, and to what. */
interface Sweep {
  readonly name: string;
  readonly title: string;
  readonly isLogarithmic: boolean;
  readonly values: readonly number[];
  /** The value that the others are compared with. */
  readonly reference: number;
  readonly accounts: (value: number) => number;
  readonly connections: (value: number) => number;
  readonly request: (value: number) => string;
  /** Bodies of 1 MiB that are kept meanwhile. */
  readonly keptMib: (value: number) => number;
}

interface Measured {
  readonly value: number;
  readonly cpuUs: number[];
  mib: number;
}

const MIB = 1_024 * 1_024;
const CONNECTIONS = 32;
const WARM_SECONDS = 3;
/** So many accounts or paths are each called a few times before anything counts. */
const MANY = 1_000;
/** Until all connections are open, here and to the platform: each of those costs a handshake. */
const LEAD_SECONDS = 1;
const CONNECTIONS_A_SECOND = 200;
const FIRST_ANSWER_MS_MAX = 30_000;
const POLL_MS = 20;
const USUAL = {
  accounts: () => 1,
  connections: () => CONNECTIONS,
  request: () => SMALL_GET,
  keptMib: () => 0,
};

const SWEEPS: readonly Sweep[] = [
  {
    ...USUAL,
    name: 'connections',
    title: 'connections',
    isLogarithmic: true,
    values: [1, 10, 32, 100, 300, 1_000],
    reference: CONNECTIONS,
    connections: (value) => value,
  },
  {
    ...USUAL,
    name: 'accounts',
    title: 'accounts, called in turn',
    isLogarithmic: true,
    values: [1, 10, 100, 1_000],
    reference: 1,
    accounts: (value) => value,
    request: ofAccounts,
  },
  {
    ...USUAL,
    name: 'paths',
    title: 'different paths, called in turn',
    isLogarithmic: true,
    values: [1, 10, 100, 1_000, 10_000],
    reference: 1,
    request: manyPaths,
  },
  {
    ...USUAL,
    name: 'bodies',
    title: 'MiB of bodies kept for a replay',
    isLogarithmic: false,
    values: [0, 16, 32, 48, 60],
    reference: 0,
    keptMib: (value) => value,
  },
];

async function main(): Promise<void> {
  const options = read(process.argv.slice(2));
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-scale-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  try {
    const upstream = await startUpstream(folder);
    const results: [Sweep, Measured[]][] = [];
    for (const sweep of SWEEPS.filter(({ name }) => options.only?.includes(name) !== false)) {
      const measured = await measure(sweep, options, folder, upstream);
      results.push([sweep, measured]);
      process.stdout.write(`${table(sweep, measured)}\n`);
    }
    if (options.plot !== undefined) writeFileSync(options.plot, plot(results));
  } finally {
    await stopAll();
  }
}

function read(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      only: { type: 'string' },
      plot: { type: 'string' },
    },
  });
  return {
    rounds: Math.min(100, Number(values.rounds)),
    seconds: Math.min(60, Number(values.seconds)),
    only: values.only?.split(','),
    plot: values.plot,
  };
}

/** A round measures each value once, beginning with another one each time. */
async function measure(
  sweep: Sweep,
  { rounds, seconds }: Options,
  folder: string,
  upstream: Upstream,
): Promise<Measured[]> {
  const running = new Map<number, WithAdmin>();
  const startFor = async (accounts: number): Promise<void> => {
    const place = join(folder, `${sweep.name}-${accounts}`);
    mkdirSync(place);
    const started = await startWithAccounts(place, upstream, accounts);
    running.set(accounts, started);
    await untilItServes(started);
  };
  for (const accounts of new Set(sweep.values.map((value) => sweep.accounts(value))))
    await startFor(accounts);
  const all = sweep.values.map((value): Measured => ({ value, cpuUs: [], mib: 0 }));
  const slice = (one: Measured, length: number): Promise<number> => {
    const started = running.get(sweep.accounts(one.value));
    if (started === undefined) throw new Error('Cannot measure: it was not started');
    return measureSlice(sweep, one, started, { folder, seconds: length });
  };
  for (const one of all) await slice(one, one.value < MANY ? WARM_SECONDS : WARM_SECONDS * 4);
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`${sweep.name}: round ${round + 1} of ${rounds}\n`);
    for (let at = 0; at < all.length; at++) {
      const one = all[(at + round) % all.length];
      one?.cpuUs.push(await slice(one, seconds));
    }
  }
  for (const { child } of running.values()) child.process.kill('SIGTERM');
  return all;
}

/** Returns CPU time per call in the middle of the load, when all connections are open. */
async function measureSlice(
  sweep: Sweep,
  one: Measured,
  started: WithAdmin,
  { folder, seconds }: { readonly folder: string; readonly seconds: number },
): Promise<number> {
  const { port, child } = started;
  const kept = await keepBodies(port, sweep.keptMib(one.value));
  const requests = [writeRequest(folder, sweep.request(one.value))];
  const connections = sweep.connections(one.value);
  const leadSeconds = LEAD_SECONDS + connections / CONNECTIONS_A_SECOND;
  const job = {
    port,
    connections,
    requests,
    seconds: leadSeconds + seconds + LEAD_SECONDS,
  };
  const load = generate(job);
  await sleep(leadSeconds * 1_000);
  // Reading the page costs CPU time, which is left out.
  const callsBefore = await callsOf(started);
  const before = cpuTime([child.pid]).usedUs;
  await sleep(seconds * 1_000);
  const after = cpuTime([child.pid]).usedUs;
  const calls = (await callsOf(started)) - callsBefore;
  one.mib = memory([child.pid]).nowMib;
  const { errors } = await load;
  for (const socket of kept) socket.destroy();
  if (errors > 0) process.stderr.write(`${sweep.name} ${one.value}: ${errors} calls failed\n`);
  return (after - before) / calls;
}

async function callsOf({ adminPort }: WithAdmin): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const counts = page.matchAll(/^wechat_sidecar_requests_total\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function untilItServes({ port, child }: WithAdmin): Promise<void> {
  const untilMs = performance.now() + FIRST_ANSWER_MS_MAX;
  while (performance.now() < untilMs && child.process.exitCode === null) {
    const client = new RawClient({ port });
    const answer = await client.call(Buffer.from(SMALL_GET)).catch(() => undefined);
    client.close();
    if (answer?.text.includes('"errcode":0') === true) return;
    await sleep(POLL_MS);
  }
  throw new Error(`It does not serve: ${child.complaints()}`);
}

/** Calls that the platform does not answer: the sidecar keeps their bodies. */
async function keepBodies(port: number, mib: number): Promise<Socket[]> {
  const body = Buffer.alloc(MIB, 'x');
  const sockets = Array.from({ length: mib }, () => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(hangingPost(body.length));
    socket.write(body);
    return socket;
  });
  if (mib > 0) await sleep(1_500);
  return sockets;
}

/** Other programs make calls dearer, never cheaper: the least is the best estimate. */
function leastUs({ cpuUs }: Measured): number {
  return Math.min(...cpuUs);
}

function ratiosOf({ reference }: Sweep, measured: readonly Measured[]): number[] {
  const base = measured.find(({ value }) => value === reference);
  return measured.map((one) => leastUs(one) / (base === undefined ? NaN : leastUs(base)));
}

function table(sweep: Sweep, measured: readonly Measured[]): string {
  const ratios = ratiosOf(sweep, measured);
  const rows = measured.map((one, at) => [
    one.value.toLocaleString('en-US'),
    leastUs(one).toFixed(1),
    median(one.cpuUs).toFixed(1),
    ratios[at]?.toFixed(2),
    one.mib.toFixed(0),
  ]);
  return [
    `| ${sweep.title} | CPU per call, µs: least | median | × | MiB |`,
    '| --: | --: | --: | --: | --: |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n');
}

function plot(results: readonly (readonly [Sweep, readonly Measured[]])[]): string {
  const panels = results.map(([sweep, measured]) => {
    const ratios = ratiosOf(sweep, measured);
    const { title, isLogarithmic } = sweep;
    return {
      title,
      isLogarithmic,
      points: measured.map(({ value }, at) => [value, ratios[at] ?? NaN] as const),
    };
  });
  const highest = Math.max(...panels.flatMap(({ points }) => points.map(([, y]) => y)));
  return drawPanels('CPU per call as something grows', panels, Math.max(2, Math.ceil(highest)));
}

await main();
