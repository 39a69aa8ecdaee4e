import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { parseAllDocuments } from 'yaml';
import { MIB, peakBytes } from '../support/memory.ts';
import { RoleProcess, type ProcessOptions } from '../support/process.ts';
import { pause, type AttackPlan } from './attacks.ts';
import { call } from './honest.ts';

/**
 * Honest callers are answered within this, beside the time for which a process that takes part waited for a
 * processor: the attackers, who would be elsewhere, and other tests share them with it.
 */
export const ANSWER_MS_MAX = 1_000;
const BETWEEN_MS = 100;
/** An attack that makes fewer connections give way was none. */
const CUT_MIN = 300;

/** What the manifest lets the first container of a Deployment have. */
export function limitOfManifest(file: string): number {
  const limits = parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document) => {
    const { kind, spec } = document.toJS() as {
      kind: string;
      spec: { template: { spec: { containers: { resources: { limits: { memory: string } } }[] } } };
    };
    return kind === 'Deployment' ? spec.template.spec.containers[0]?.resources.limits.memory : [];
  });
  return bytesOf(String(limits[0]));
}

/** `256Mi` in bytes. */
export function bytesOf(quantity: string): number {
  const mebibytes = Number(/^(\d+)Mi$/.exec(quantity)?.[1]);
  if (!(mebibytes > 0)) throw new Error(`${quantity} is no number of Mi`);
  return mebibytes * MIB;
}

/** What the image runs, without the program itself: `node` and its options. */
function optionsOfImage(): string[] {
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1];
  return (JSON.parse(entry ?? '[]') as string[]).slice(1, -1);
}

/** Where a cgroup with a limit of memory can be made; nowhere on many machines. */
function cgroupRoot(): { folder: string; limitFile: string } | undefined {
  const [v1, v2] = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'];
  if (existsSync(join(v1, 'memory.limit_in_bytes')))
    return { folder: v1, limitFile: 'memory.limit_in_bytes' };
  const controllers = join(v2, 'cgroup.subtree_control');
  if (existsSync(controllers) && readFileSync(controllers, 'utf8').includes('memory')) {
    return { folder: v2, limitFile: 'memory.max' };
  }
  return undefined;
}

/** A cgroup of one test's own, if the machine lets us have one. */
function makeCgroup(t: ExecutionContext, limitBytes: number): string | undefined {
  const root = cgroupRoot();
  if (root === undefined) return undefined;
  const folder = join(root.folder, `wechat-sidecar-${process.pid}-${Math.round(performance.now())}`);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, root.limitFile), String(limitBytes));
  } catch {
    return undefined;
  }
  t.teardown(() => rmdirSync(folder));
  return folder;
}

export interface Target {
  readonly role: RoleProcess;
  readonly limitBytes: number;
}

/** The built program, as the image runs it, within the memory that its manifest gives. */
export async function startWithin(
  t: ExecutionContext,
  name: string,
  limitBytes: number,
  { nodeOptions = [], ...options }: ProcessOptions,
): Promise<Target> {
  const cgroup = makeCgroup(t, limitBytes);
  t.log(cgroup === undefined ? 'no cgroup of memory: the peak alone counts' : 'in a cgroup of memory');
  const role = new RoleProcess(t, name, {
    ...options,
    env: { WECHAT_SIDECAR_LOG_LEVEL: 'info', ...options.env },
    nodeOptions: [...optionsOfImage(), ...(cgroup === undefined ? heapFor(limitBytes) : []), ...nodeOptions],
    ...(cgroup !== undefined && { cgroup }),
  });
  return { role: await role.untilServing(), limitBytes };
}

/** How Node sizes its heap by itself where it sees that there is no more memory than this. */
function heapFor(limitBytes: number): string[] {
  return [`--max-old-space-size=${limitBytes / MIB}`, '--max-semi-space-size=1'];
}

export interface Platform {
  readonly origin: string;
  readonly pid: number;
}

export async function startPlatform(t: ExecutionContext): Promise<Platform> {
  const child = fork(fileURLToPath(new URL('platform.js', import.meta.url)));
  t.teardown(() => child.kill('SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  return { origin: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 };
}

/** An honest call: by its name in the log, and what must be true of its answer. */
export type Honest = Readonly<Record<string, () => Promise<void>>>;

export interface Siege extends Omit<AttackPlan, 'port' | 'adminPort'> {
  readonly target: Target;
  readonly honest: Honest;
  /** Further processes that an answer waits for. */
  readonly waitsFor?: readonly number[];
}

/**
 * Attacks the target with everything at once, and meanwhile makes each honest call again and again. Fails if
 * one of them is not answered, or late; if the target dies; and if it ever held more than its limit.
 */
export async function withstand(t: ExecutionContext, siege: Siege): Promise<void> {
  const { target, honest, waitsFor = [], ...attack } = siege;
  const { role, limitBytes } = target;
  // Once for each, before it begins: what is wrong with the test itself is no finding.
  for (const once of Object.values(honest)) await once();
  const plan = { ...attack, port: role.port, adminPort: role.adminPort, role: roleOf(role) };
  const attacker = fork(fileURLToPath(new URL('attacker.js', import.meta.url)), [JSON.stringify(plan)]);
  t.teardown(() => attacker.kill('SIGKILL'));
  const attacked = once(attacker, 'exit');
  const slowest = await Promise.all(
    Object.entries(honest).map(async ([name, make]) => {
      let [count, worstMs] = [0, 0];
      while (attacker.exitCode === null && role.running) {
        const tookMs = await timed(make, [process.pid, role.pid, ...waitsFor]).catch((error: unknown) => {
          throw new Error(`${name}: ${String(error)}`, { cause: error });
        });
        worstMs = Math.max(worstMs, tookMs);
        count += 1;
        await pause(BETWEEN_MS);
      }
      return { name, count, worstMs: Math.round(worstMs) };
    }),
  );
  t.deepEqual(await attacked, [0, null], 'the attack ran to its end');
  t.true(role.running, `it died: ${role.stdout().slice(-2_000)}${role.stderr().slice(-2_000)}`);
  const { text } = await call(`${role.admin}/metrics`);
  const cut = [...text.matchAll(/^wechat_sidecar_connections_cut_total\{(.*)\} (\d+)$/gm)];
  t.log(cut.map(([, labels, count]) => `${labels}: ${count}`).join('; '));
  t.true(cut.reduce((sum, [, , count]) => sum + Number(count), 0) > CUT_MIN, 'the attack reached the limits');
  const peak = peakBytes(role.pid);
  const words = slowest.map(({ name, count, worstMs }) => `${name} ${count}× ≤ ${worstMs} ms`);
  t.log(`${words.join(', ')}; at most ${Math.round(peak / MIB)} MiB of ${limitBytes / MIB}`);
  for (const { name, count, worstMs } of slowest) {
    t.true(count > 0 && worstMs < ANSWER_MS_MAX, `${name}: ${worstMs} ms`);
  }
  t.true(peak < limitBytes, `${Math.round(peak / MIB)} MiB of ${limitBytes / MIB}`);
}

/** Less what the one of them waited for a processor that waited the longest: they may have waited together. */
async function timed(make: () => Promise<unknown>, pids: readonly number[]): Promise<number> {
  const before = pids.map(waitMs);
  const beganMs = performance.now();
  await make();
  const tookMs = performance.now() - beganMs;
  return tookMs - Math.max(...pids.map((pid, index) => waitMs(pid) - (before[index] ?? 0)));
}

/** For how long the main thread of a process has waited for a processor. Linux tells it. */
function waitMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1_000_000;
}

function roleOf({ name }: RoleProcess): string {
  return name;
}
