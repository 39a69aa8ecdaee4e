import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { parseAllDocuments } from 'yaml';
import type { KubernetesAccess } from '../../src/kubernetes/api.ts';
import { imageEnvironment, imageOptions } from '../../bench/image.ts';
import { MIB, ownPeakBytes } from '../support/memory.ts';
import { RoleProcess, type ProcessOptions } from '../support/process.ts';
import { pause, type AttackPlan } from './attacks.ts';
import { call } from './honest.ts';

/** Honest callers are answered within this, on a machine that has a processor for whoever wants one. */
export const ANSWER_MS_MAX = 1_000;
/** The attackers, who would be elsewhere, and other tests share the processors with us: how much is looked at this often. */
const SAMPLE_EVERY_MS = 250;
const SAMPLE_CPU_US = 10_000;
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
    program: 'dist/cli.js',
    env: {
      ...imageEnvironment(),
      // What it sees of its memory in a container.
      ...(cgroup === undefined &&
        name === 'proxy' && { WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT: `${limitBytes / 4}B` }),
      WECHAT_SIDECAR_LOG_LEVEL: 'info',
      ...options.env,
    },
    nodeOptions: [...imageOptions(), ...(cgroup === undefined ? heapFor(limitBytes) : []), ...nodeOptions],
    ...(cgroup !== undefined && { cgroup }),
  });
  return { role: await role.untilServing(), limitBytes };
}

/** How Node sizes its heap by itself where it sees that there is no more memory than this. */
function heapFor(limitBytes: number): string[] {
  return [`--max-old-space-size=${limitBytes / MIB}`, '--max-semi-space-size=1'];
}

/** The origin of a stand-in for the platform; over TLS with the files of a certificate and its key. */
export async function startPlatform(t: ExecutionContext, tls: readonly string[] = []): Promise<string> {
  const child = fork(fileURLToPath(new URL('platform.js', import.meta.url)), tls);
  t.teardown(() => child.kill('SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  return `${tls.length === 0 ? 'http' : 'https'}://127.0.0.1:${port}`;
}

/** How to reach a stand-in for the API server, which knows one service account. */
export async function startReviews(
  t: ExecutionContext,
  account: string,
  audience: string,
): Promise<KubernetesAccess> {
  const child = fork(fileURLToPath(new URL('reviews.js', import.meta.url)), [account, audience]);
  t.teardown(() => child.kill('SIGTERM'));
  const [access] = (await once(child, 'message')) as [KubernetesAccess];
  return access;
}

/** An honest call: by its name in the log, and what must be true of its answer. */
export type Honest = Readonly<Record<string, () => Promise<void>>>;

export interface Siege extends Omit<AttackPlan, 'port' | 'adminPort'> {
  readonly target: Target;
  readonly honest: Honest;
}

/**
 * Attacks the target with everything at once, and meanwhile makes each honest call again and again. Fails if
 * one of them is not answered, or late; if the target dies; and if it ever held more than its limit.
 */
export async function withstand(t: ExecutionContext, siege: Siege): Promise<void> {
  const { target, honest, ...attack } = siege;
  const { role, limitBytes } = target;
  // Once for each, before it begins: what is wrong with the test itself is no finding.
  for (const make of Object.values(honest)) await make();
  const plan = { ...attack, port: role.port, adminPort: role.adminPort, role: roleOf(role) };
  const attacker = fork(fileURLToPath(new URL('attacker.js', import.meta.url)), [JSON.stringify(plan)]);
  t.teardown(() => attacker.kill('SIGKILL'));
  const attacked = once(attacker, 'exit');
  const isOver = (): boolean => attacker.exitCode !== null || !role.running;
  const slowed = slowness(isOver);
  const slowest = await Promise.all(
    Object.entries(honest).map(async ([name, make]) => {
      const took: number[] = [];
      while (!isOver()) {
        const tookMs = await timed(make).catch((error: unknown) => {
          throw new Error(`${name}: ${String(error)}`, { cause: error });
        });
        took.push(Math.round(tookMs));
        await pause(BETWEEN_MS);
      }
      took.sort((one, other) => one - other);
      const medianMs = took[Math.floor(took.length / 2)] ?? 0;
      return { name, count: took.length, medianMs, worstMs: took.at(-1) ?? 0 };
    }),
  );
  t.deepEqual(await attacked, [0, null], 'the attack ran to its end');
  t.true(role.running, `it died: ${role.stdout().slice(-2_000)}${role.stderr().slice(-2_000)}`);
  const { text } = await call(`${role.admin}/metrics`);
  const cut = [...text.matchAll(/^wechat_sidecar_connections_cut_total\{(.*)\} (\d+)$/gm)];
  t.log(cut.map(([, labels, count]) => `${labels}: ${count}`).join('; '));
  t.true(cut.reduce((sum, [, , count]) => sum + Number(count), 0) > CUT_MIN, 'the attack reached the limits');
  const peak = ownPeakBytes(role.pid);
  const words = slowest.map(
    ({ name, count, medianMs, worstMs }) => `${name} ${count}×, median ${medianMs}, worst ${worstMs} ms`,
  );
  const factor = await slowed;
  t.log(
    `${words.join(', ')}; the machine was ${factor.toFixed(1)} times slower than alone; at most ${Math.round(peak / MIB)} MiB of ${limitBytes / MIB}`,
  );
  for (const { name, count, worstMs } of slowest) {
    t.true(count > 0 && worstMs < ANSWER_MS_MAX * factor, `${name}: ${worstMs} ms`);
  }
  t.true(peak < limitBytes, `${Math.round(peak / MIB)} MiB of ${limitBytes / MIB}`);
}

async function timed(make: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await make();
  return performance.now() - beganMs;
}

/** By how much everything takes longer here than with a processor of its own, at worst. */
async function slowness(isOver: () => boolean): Promise<number> {
  let worst = 1;
  while (!isOver()) {
    const [beganMs, before] = [performance.now(), process.cpuUsage()];
    let used = process.cpuUsage(before);
    while (used.user + used.system < SAMPLE_CPU_US) used = process.cpuUsage(before);
    worst = Math.max(worst, ((performance.now() - beganMs) * 1_000) / (used.user + used.system));
    await pause(SAMPLE_EVERY_MS);
  }
  return worst;
}

function roleOf({ name }: RoleProcess): string {
  return name;
}
