import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { secretsIn } from './secrets-nowhere.ts';
import type { Teardown } from './simulator.ts';

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

/** See general-lane.ts. */
const LANE =
  process.env['LANE'] === 'general' ? [`--import=${new URL('general-lane.js', import.meta.url).href}`] : [];

/** Nothing that is waited for takes this long, on however slow a machine. */
const WAIT_MS_MAX = 60_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** What must not appear in the output, beside every token of the simulator and the demo account's secret. */
  readonly secrets?: readonly string[];
  /** The file of the program; the compiled sources if none is given. */
  readonly program?: string;
  /** Of Node itself, before the program. */
  readonly nodeOptions?: readonly string[];
  /** The folder of a cgroup to run it in. */
  readonly cgroup?: string;
  /** How many files and connections it may have open. */
  readonly descriptorsMax?: number;
}

/**
 * The real command line, as a child process, logging at debug level. When the test is over it is killed
 * if it still runs, and the test fails where a token or a secret stands in its output.
 */
export class CommandLine {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly #waiting = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #unread = '';
  #exit: Exit | undefined;

  /** The command. */
  readonly name: string;

  constructor(t: Teardown, command: string, options: ProcessOptions) {
    const { env = {}, args = [], secrets = [], nodeOptions = [], descriptorsMax, cgroup } = options;
    const { program: cli = CLI } = options;
    this.name = command;
    const whole = [process.execPath, ...LANE, ...nodeOptions, cli, command, ...args];
    if (descriptorsMax !== undefined)
      whole.unshift('sh', '-c', `ulimit -n ${descriptorsMax} && exec "$@"`, 'sh');
    // The shell goes into the cgroup before it becomes the program.
    if (cgroup !== undefined) whole.unshift('sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup);
    const [program = '', ...rest] = whole;
    this.#child = spawn(program, rest, {
      env: {
        WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
        WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
        WECHAT_SIDECAR_LOG_LEVEL: 'debug',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const killWithUs = (): void => void this.#child.kill('SIGKILL');
    process.once('exit', killWithUs);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        process.off('exit', killWithUs);
        this.#exit = { code, signal };
        this.#look();
        resolve(this.#exit);
      });
    });
    t.teardown(async () => {
      killWithUs();
      await this.exited;
      const found = secretsIn(this.#stdout + this.#stderr, secrets);
      if (found.length > 0) throw new Error(`Secrets in the output of ${command}: ${found.join(' ')}`);
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  stdout(): string {
    return this.#stdout;
  }

  stderr(): string {
    return this.#stderr;
  }

  /** What was logged so far with this event, in words. */
  lines(event: string): readonly LogLine[] {
    return this.#lines.filter((line) => line.event === event);
  }

  /** The first line with this event that fits, also one that was written already. */
  untilLine(event: string, fits: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    return this.#until(`the line "${event}"`, () => this.lines(event).find(fits));
  }

  /** Resolves once there are `count` lines with this event. */
  untilLines(event: string, count: number): Promise<readonly LogLine[]> {
    return this.#until(`${count} lines "${event}"`, () => {
      const lines = this.lines(event);
      return lines.length >= count ? lines : undefined;
    });
  }

  /** Resolves once stdout has this text. */
  untilText(text: string): Promise<true> {
    return this.#until(`"${text}"`, () => this.#stdout.includes(text) || undefined);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to stop, and waits until it has. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    return this.exited;
  }

  #read(text: string): void {
    this.#stdout += text;
    const lines = (this.#unread + text).split('\n');
    this.#unread = lines.pop() ?? '';
    this.#lines.push(
      ...lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine),
    );
    this.#look();
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }

  #until<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act();
      };
      const look = (): void => {
        const found = find();
        if (found !== undefined) settle(() => resolve(found));
        else if (this.#exit !== undefined) settle(() => reject(this.#without(what)));
      };
      const timer = setTimeout(() => settle(() => reject(this.#without(what))), WAIT_MS_MAX);
      this.#waiting.add(look);
      look();
    });
  }

  #without(what: string): Error {
    const end = this.#exit === undefined ? 'it runs on' : `it exited with ${String(this.#exit.code)}`;
    return new Error(
      `Waited in vain for ${what}; ${end}; its output ends:\n${this.#stdout.slice(-2_000)}${this.#stderr}`,
    );
  }
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function runCommand(
  t: Teardown,
  command: string,
  options: ProcessOptions = {},
): Promise<Outcome> {
  const run = new CommandLine(t, command, options);
  const { code } = await run.exited;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

/** A role that serves, with its ports. */
export class RoleProcess extends CommandLine {
  /** `http://127.0.0.1:port` of the business face. */
  base = '';
  port = 0;
  /** `http://127.0.0.1:port` of the admin port. */
  admin = '';
  adminPort = 0;

  async untilServing(): Promise<this> {
    const line = await this.untilLine('serving');
    this.port = portOf(line['listen']);
    this.adminPort = portOf(line['admin']);
    this.base = `http://127.0.0.1:${this.port}`;
    this.admin = `http://127.0.0.1:${this.adminPort}`;
    return this;
  }
}

function portOf(addresses: unknown): number {
  const [first] = addresses as string[];
  return Number(first?.split(':').at(-1));
}

export function startRole(t: Teardown, role: string, options: ProcessOptions = {}): Promise<RoleProcess> {
  return new RoleProcess(t, role, options).untilServing();
}
