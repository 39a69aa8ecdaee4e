/** Takes the measurements. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cores, portsOf, startBeside, stop } from './children.ts';
import type { Job } from './generator.ts';
import { fullLoad, generate, type Load } from './load.ts';
import { programFile } from './machine.ts';
import type { Options } from './options.ts';
import { RawClient } from './raw-client.ts';
import type { FarResult, Slice, SystemResult } from './results.ts';
import {
  DIED,
  DIRECT,
  FAR,
  FIRST_CALL,
  SHAPES,
  STEADY,
  STEADY_RATE,
  type Shape,
  writeRequests,
} from './shapes.ts';
import { startSystem, type Started, type System } from './systems.ts';
import type { Upstream } from './upstream.ts';
import { cpuTime, memory, processTree, stolenMs } from './usage.ts';

/** A system that is up. */
export interface Running extends Started {
  readonly pids: readonly number[];
  readonly startMs: readonly number[];
}

/** A system that is measured. */
export interface Subject extends Running {
  readonly result: SystemResult;
  lastDeathMs: number;
}

export interface Bench {
  readonly options: Options;
  readonly folder: string;
  readonly upstream: Upstream;
  readonly problems: string[];
}

const START_MS_MAX = 20_000;
const START_POLL_MS = 3;
/** A token that dies more often than this is unrealistic, and a keeper may limit its fetches. */
const DEATHS_APART_MS = 6_000;
/** Warm-up before the slices of a round. */
const WAKE_SECONDS = 1;
/** How often a slice at a constant rate is measured as long as the host takes the core away in it, which makes calls late. */
const STOLEN_TRIES_MAX = 3;
const FAR_ROUND_TRIP_MS = 20;
const FAR_RATE = 50;
const FAR_WARM_SECONDS = 2;

/** Starts it once; `startMs` has how long that took. */
export async function start(bench: Bench, system: System): Promise<Running> {
  const atMs = performance.now();
  const started = await startSystem(system, bench.folder, bench.upstream);
  await untilItServes(started);
  return { ...started, pids: processTree(started.child.pid), startMs: [performance.now() - atMs] };
}

async function untilItServes({ system, port, child }: Started): Promise<void> {
  const untilMs = performance.now() + START_MS_MAX;
  let answer = '';
  while (performance.now() < untilMs && child.process.exitCode === null) {
    answer = await callOnce(port, FIRST_CALL);
    if (answer.includes('"errcode":0')) return;
    await sleep(START_POLL_MS);
  }
  throw new Error(`${system.name} does not serve: ${answer.split('\r\n')[0]} ${child.complaints()}`);
}

/** Leaves new processes idle for a while, and measures what they use. */
export async function rest({ options }: Bench, all: readonly Running[]): Promise<Subject[]> {
  await sleep(options.restSeconds * 500);
  const before = all.map(({ pids }) => cpuTime(pids).usedUs);
  await sleep(options.restSeconds * 1_000);
  return all.map((running, at) => {
    const { system, startMs, pids } = running;
    const result: SystemResult = {
      name: system.name,
      family: system.family,
      does: system.does,
      startMs,
      idle: memory(pids),
      restShare: (cpuTime(pids).usedUs - (before[at] ?? NaN)) / (options.restSeconds * 1e6),
      memory: undefined,
      slices: new Map(),
    };
    return { ...running, result, lastDeathMs: -Infinity };
  });
}

/** By calls, not by time: on a busy machine few calls complete in a second, and code is compiled after many. */
export async function warmUp({ options, folder }: Bench, subject: Subject): Promise<void> {
  for (const shape of forWarming(options)) {
    const job = jobFor(folder, subject, shape, 1);
    let calls = 0;
    for (let second = 0; second < options.warmSecondsMax; second++) {
      calls += (await fullLoad(job)).calls;
      if (!subject.system.warmsUp || calls >= options.warmCalls) break;
    }
  }
}

/**
 * Every shape of every system, once. The slices of one shape follow each other: what else happens on the machine comes and
 * goes within seconds.
 */
export async function measureRound(bench: Bench, subjects: readonly Subject[], round: number): Promise<void> {
  const { options, folder } = bench;
  const shapes = chosen(options);
  // Most were idle while the constant rate of others was measured: memory may be reclaimed and code flushed.
  for (const shape of forWarming(options).slice(0, 1)) {
    for (const subject of subjects) await fullLoad(jobFor(folder, subject, shape, WAKE_SECONDS));
  }
  for (const shape of shapes) {
    for (const subject of subjects) {
      const job = jobFor(folder, subject, shape, options.sliceSeconds);
      await measureSlice(bench, subject, shape.name, round, () => fullLoad(job));
    }
  }
  const isSteady = ({ result }: Subject): boolean => options.steady?.includes(result.name) ?? true;
  for (const subject of options.shapes.has(STEADY.name) ? subjects.filter(isSteady) : []) {
    const job = { ...jobFor(folder, subject, STEADY, options.steadySeconds), rate: STEADY_RATE };
    await measureSlice(bench, subject, STEADY.name, round, () => generate(job), STOLEN_TRIES_MAX);
  }
  for (const subject of options.shapes.has(DIED.name) ? subjects : []) {
    if (!subject.system.replays || performance.now() - subject.lastDeathMs <= DEATHS_APART_MS) continue;
    subject.lastDeathMs = performance.now();
    await measureSlice(bench, subject, DIED.name, round, () => callWithDeadToken(bench, subject));
  }
}

/** What its callers would see without a sidecar. */
export function unaided(): SystemResult {
  const none = { startMs: [], idle: undefined, restShare: NaN, memory: undefined, slices: new Map() };
  return { name: DIRECT, family: DIRECT, does: 'nothing', ...none };
}

/** Once, at the constant rate. */
export async function measureDirect(bench: Bench, result: SystemResult, round: number): Promise<void> {
  const { options, folder, upstream } = bench;
  const requests = writeRequests(folder, STEADY);
  const { connections } = STEADY;
  const { port, caFile } = upstream;
  const job = { port, caFile, connections, requests, seconds: options.steadySeconds, rate: STEADY_RATE };
  await measureSlice(bench, { pids: [], result }, STEADY.name, round, () => generate(job), STOLEN_TRIES_MAX);
}

/** Of several tries it keeps the one in which the host took the core away for the least time. */
async function measureSlice(
  bench: Bench,
  subject: Pick<Subject, 'pids' | 'result'>,
  shape: string,
  round: number,
  run: () => Promise<Load>,
  triesMax = 1,
): Promise<void> {
  let least: Slice | undefined;
  for (let tries = 0; tries < triesMax; tries++) {
    const slice = await tryToMeasure(bench, subject, shape, round, run);
    if (slice === undefined) break;
    if (least === undefined || slice.stolenShare < least.stolenShare) least = slice;
    if (least.stolenShare === 0) break;
  }
  const { slices } = subject.result;
  if (least !== undefined) slices.set(shape, [...(slices.get(shape) ?? []), least]);
}

async function tryToMeasure(
  bench: Bench,
  { pids, result }: Pick<Subject, 'pids' | 'result'>,
  shape: string,
  round: number,
  run: () => Promise<Load>,
): Promise<Slice | undefined> {
  const before = cpuTime(pids);
  const stolenBeforeMs = stolenMs(cores?.measured);
  const load = await run().catch((error: unknown): string => String(error));
  if (typeof load === 'string' || !(load.calls > 0)) {
    bench.problems.push(
      `${result.name}, ${shape}: ${typeof load === 'string' ? load : 'no call was answered'}`,
    );
    return undefined;
  }
  const { calls, errors, failures = [], seconds, times } = load;
  if (errors > 0) {
    const what = failures.map(([words, count]) => `, ${count} × ${words}`).join('');
    bench.problems.push(`${result.name}, ${shape}: ${errors} of ${calls + errors} calls failed${what}`);
  }
  const after = cpuTime(pids);
  return {
    round,
    calls,
    errors,
    cpuUsPerCall: pids.length === 0 ? NaN : (after.usedUs - before.usedUs) / calls,
    waitedUsPerCall: pids.length === 0 ? NaN : (after.waitedUs - before.waitedUs) / calls,
    callsPerS: calls / seconds,
    stolenShare: (stolenMs(cores?.measured) - stolenBeforeMs) / (seconds * 1_000),
    times,
  };
}

/** One call on an open connection. */
async function callWithDeadToken({ upstream }: Bench, { port }: Subject): Promise<Load> {
  await upstream.newToken();
  const client = new RawClient({ port });
  const atMs = performance.now();
  const { text } = await client.call(Buffer.from(DIED.request));
  const us = Math.round((performance.now() - atMs) * 1_000);
  client.close();
  if (!text.includes('"errcode":0'))
    throw new Error(`the call was not replayed: ${text.split('\r\n').at(-1)}`);
  return { calls: 1, errors: 0, seconds: us / 1e6, times: new Map([[us, 1]]) };
}

/** Calls to a platform that is 20 ms away: with a TLS connection each, and through each sidecar. */
export async function measureFar(bench: Bench): Promise<FarResult[]> {
  const { options, folder, upstream } = bench;
  const relay = startBeside(process.execPath, [
    programFile('./relay.js'),
    `${upstream.port}`,
    `${FAR_ROUND_TRIP_MS}`,
  ]);
  const [relayPort = 0] = await portsOf(relay);
  const shape = { name: FAR, title: FAR, requests: [FIRST_CALL.toString()], connections: 64 };
  const job = {
    connections: shape.connections,
    seconds: options.steadySeconds,
    rate: FAR_RATE,
    requests: writeRequests(folder, shape),
  };
  const direct = await generate({ ...job, port: relayPort, caFile: upstream.caFile, fresh: true });
  const results = [farResult('a TLS connection for each call', direct, undefined)];
  for (const system of options.systems.filter(({ family, prepare }) => family === 'sidecar' && prepare)) {
    const started = await startSystem(system, folder, { ...upstream, port: relayPort });
    await untilItServes(started);
    await fullLoad({ ...job, port: started.port, seconds: FAR_WARM_SECONDS });
    const pids = processTree(started.child.pid);
    const { usedUs } = cpuTime(pids);
    const load = await generate({ ...job, port: started.port });
    results.push(farResult(system.name, load, (cpuTime(pids).usedUs - usedUs) / load.calls));
    await stop(started.child);
  }
  await stop(relay);
  return results;
}

function farResult(
  name: string,
  { times, cpuUs: used = NaN, calls }: Load,
  sidecarCpuUs: number | undefined,
): FarResult {
  return { name, times, callerCpuUs: used / calls, sidecarCpuUs };
}

function chosen({ shapes }: Options): Shape[] {
  return SHAPES.filter(({ name }) => shapes.has(name));
}

/** At a constant rate alone, code would be compiled while it is measured. */
function forWarming(options: Options): Shape[] {
  const shapes = chosen(options);
  return shapes.length > 0 ? shapes : [STEADY];
}

function jobFor(folder: string, { port }: Started, shape: Shape, seconds: number): Job {
  return { port, seconds, connections: shape.connections, requests: writeRequests(folder, shape) };
}

/** The response; empty if there was none. */
async function callOnce(port: number, request: Buffer): Promise<string> {
  const client = new RawClient({ port });
  try {
    return (await client.call(request)).text;
  } catch {
    return '';
  } finally {
    client.close();
  }
}
