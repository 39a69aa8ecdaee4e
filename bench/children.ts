/** The processes of the bench: each runs on its core, and none outlives the bench. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findCores, isUnpacked, libraryPath } from './machine.ts';

export type Environment = Readonly<Record<string, string>>;

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** The end of what it wrote to stderr. */
  complaints(): string;
}

const STOP_MS_MAX = 2_000;
const COMPLAINTS_CHARS_MAX = 2_000;

export const cores = findCores();
const running = new Set<ChildProcess>();

process.once('exit', () => {
  // Not SIGKILL, which would leave nginx workers behind.
  for (const child of running) child.kill('SIGTERM');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Starts a measured program on its own core. */
export function startMeasured(program: string, args: readonly string[], env: Environment): Child {
  return start(cores?.measured, program, args, env);
}

/** Starts a measuring program on the other cores. */
export function startBeside(program: string, args: readonly string[], env: Environment = {}): Child {
  return start(cores?.others, program, args, env);
}

/** Runs a program on the other cores until it ends, and returns its output. */
export async function runBeside(program: string, args: readonly string[], msMax: number): Promise<string> {
  const [command, ...rest] = onCores(cores?.others, program, args);
  const { stdout } = await promisify(execFile)(command, rest, {
    env: environment(program, {}),
    timeout: msMax,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

/** The first line that our own programs print is JSON with the ports they listen on. */
export async function portsOf(child: Child): Promise<number[]> {
  if (child.process.stdout !== null) {
    for await (const line of createInterface({ input: child.process.stdout })) {
      child.process.stdout.resume();
      return JSON.parse(line) as number[];
    }
  }
  throw new Error(`Cannot start a program of the bench: ${child.complaints()}`);
}

/** A free port: nginx and haproxy cannot report the one they were given. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function stop(child: Child): Promise<void> {
  const { process: it } = child;
  if (it.exitCode !== null || it.signalCode !== null) return;
  const exited = once(it, 'exit');
  it.kill('SIGTERM');
  await Promise.race([exited, sleep(STOP_MS_MAX, undefined, { ref: false })]);
  it.kill('SIGKILL');
  await exited;
}

export async function stopAll(): Promise<void> {
  const children = [...running].map((it) => stop({ process: it, pid: it.pid ?? -1, complaints: () => '' }));
  await Promise.all(children);
}

function start(on: string | undefined, program: string, args: readonly string[], env: Environment): Child {
  const [command, ...rest] = onCores(on, program, args);
  const child = spawn(command, rest, { env: environment(program, env), stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let complaints = '';
  child.once('error', (error) => (complaints = error.message));
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-COMPLAINTS_CHARS_MAX);
  });
  return { process: child, pid: child.pid ?? -1, complaints: () => complaints.trim() };
}

/** `taskset` execs the program, so the process id is the program's. */
function onCores(on: string | undefined, program: string, args: readonly string[]): [string, ...string[]] {
  return on === undefined ? [program, ...args] : ['taskset', '-c', on, program, ...args];
}

/** A child gets only the named variables: other settings of the user would change what is measured. */
function environment(program: string, env: Environment): Environment {
  const libraries = isUnpacked(program) ? { LD_LIBRARY_PATH: libraryPath } : {};
  return { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...libraries, ...env };
}
