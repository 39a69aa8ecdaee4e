import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Teardown } from '../../support/simulator.ts';

const CLI = fileURLToPath(new URL('../../../src/cli.js', import.meta.url));
const BUSINESS = fileURLToPath(new URL('business.js', import.meta.url));
/** By the image, what runs in its place. */
const PROGRAMS: Readonly<Record<string, string>> = { sidecar: CLI, business: BUSINESS };
/** At grace expiry a native sidecar is asked once more, and has this long (KEP-753). */
const LAST_MS = 2_000;

interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: { name: string; value: string }[];
  restartPolicy?: string;
  lifecycle?: { postStart: { exec: { command: string[] } } };
  startupProbe?: { httpGet: { path: string; port: number }; periodSeconds: number; failureThreshold: number };
}

export interface PodSpec {
  spec: { containers: Container[]; initContainers?: Container[]; terminationGracePeriodSeconds?: number };
}

/** One container that was started. */
export interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly lines: Record<string, unknown>[];
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly atMs: number;
  }>;
}

/**
 * Starts and stops the containers of a pod as processes, in the order of a kubelet: init containers one
 * after another, those that keep running until their startup probe succeeds; then the containers, each
 * after the postStart of the one before. Sources: KEP-753, kuberuntime_termination_order.go.
 */
export class Kubelet {
  readonly #t: Teardown;
  readonly #pod: PodSpec;
  /** By its path in a pod, where a file is on this machine. */
  readonly #paths: Readonly<Record<string, string>>;
  readonly #asked = new Set<ChildProcess>();
  readonly sidecars: Running[] = [];
  readonly containers: Running[] = [];
  readonly inits: Running[] = [];

  constructor(t: Teardown, pod: PodSpec, paths: Readonly<Record<string, string>>) {
    this.#t = t;
    this.#pod = pod;
    this.#paths = paths;
  }

  async start(): Promise<void> {
    for (const container of this.#pod.spec.initContainers ?? []) {
      const running = this.#run(container);
      if (container.restartPolicy === 'Always') {
        this.sidecars.push(running);
        await untilStarted(container);
      } else {
        this.inits.push(running);
        const { code } = await running.ended;
        if (code !== 0) throw new Error(`The init container ${container.name} failed with ${code}`);
      }
    }
    for (const container of this.#pod.spec.containers) {
      this.containers.push(this.#run(container));
      await postStart(container);
    }
  }

  /** Deletes the pod; done when every process has ended. Tells how long that took. */
  async stop(): Promise<number> {
    const startMs = performance.now();
    const graceMs = (this.#pod.spec.terminationGracePeriodSeconds ?? 30) * 1_000;
    const expiry = setTimeout(() => {
      for (const { child } of this.containers) child.kill('SIGKILL');
      for (const sidecar of this.sidecars) this.#terminate(sidecar);
      const last = setTimeout(() => this.sidecars.forEach(({ child }) => child.kill('SIGKILL')), LAST_MS);
      last.unref();
    }, graceMs);
    for (const { child } of this.containers) child.kill('SIGTERM');
    await Promise.all(this.containers.map(({ ended }) => ended));
    for (const sidecar of this.sidecars.toReversed()) {
      this.#terminate(sidecar);
      await sidecar.ended;
    }
    clearTimeout(expiry);
    return performance.now() - startMs;
  }

  /** A pod with `restartPolicy: Never`: when its containers have ended by themselves, sidecars are stopped. */
  async untilComplete(): Promise<void> {
    await Promise.all(this.containers.map(({ ended }) => ended));
    for (const sidecar of this.sidecars.toReversed()) {
      this.#terminate(sidecar);
      await sidecar.ended;
    }
  }

  /** A container is asked once, however many reasons there are. */
  #terminate({ child }: Running): void {
    if (this.#asked.has(child)) return;
    this.#asked.add(child);
    child.kill('SIGTERM');
  }

  #run(container: Container): Running {
    const env: Record<string, string> = {};
    for (const { name, value } of container.env ?? []) env[name] = this.#paths[value] ?? value;
    const program = PROGRAMS[container.image] ?? container.image;
    const child = spawn(process.execPath, [program, ...(container.args ?? [])], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: Record<string, unknown>[] = [];
    let unread = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const whole = (unread + text).split('\n');
      unread = whole.pop() ?? '';
      for (const line of whole) if (line !== '') lines.push(JSON.parse(line) as Record<string, unknown>);
    });
    this.#t.teardown(() => child.kill('SIGKILL'));
    return {
      name: container.name,
      child,
      lines,
      ended: new Promise((resolve) => {
        child.once('close', (code, signal) => resolve({ code, signal, atMs: performance.now() }));
      }),
    };
  }
}

async function untilStarted({ name, startupProbe }: Container): Promise<void> {
  if (startupProbe === undefined) return;
  const { httpGet, periodSeconds, failureThreshold } = startupProbe;
  for (let failures = 0; failures < failureThreshold; failures += 1) {
    const url = `http://127.0.0.1:${httpGet.port}${httpGet.path}`;
    const isStarted = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isStarted) return;
    await new Promise((resolve) => setTimeout(resolve, periodSeconds * 1_000));
  }
  throw new Error(`The startup probe of ${name} never succeeded`);
}

function postStart({ lifecycle }: Container): Promise<unknown> {
  const [program, ...args] = lifecycle?.postStart.exec.command ?? [];
  if (program === undefined) return Promise.resolve();
  const child = spawn(program === 'node' ? process.execPath : program, args, { stdio: 'ignore' });
  return new Promise((resolve) => child.once('close', resolve));
}
