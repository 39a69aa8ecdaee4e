import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { Teardown } from './simulator.ts';

/** Nothing that is waited for takes this long, on however slow a machine. */
const WAIT_MS_MAX = 90_000;

export interface GroupOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A program with all that it starts, in a process group of its own. The teardown kills what is left of it. */
export class ProcessGroup {
  /** Of the program itself; undefined if a signal ended it. */
  readonly exited: Promise<number | undefined>;
  readonly #child: ChildProcess;
  readonly #command: string;
  #output = '';

  constructor(t: Teardown, command: readonly string[], { cwd, env = {} }: GroupOptions = {}) {
    const [program = '', ...args] = command;
    this.#command = command.join(' ');
    this.#child = spawn(program, args, {
      ...(cwd !== undefined && { cwd }),
      env: { PATH: process.env['PATH'], ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => resolve(code ?? undefined));
    });
    const killAll = (): void => this.signal('SIGKILL');
    process.once('exit', killAll);
    t.teardown(async () => {
      process.off('exit', killAll);
      killAll();
      await this.exited;
    });
  }

  /** Standard output and standard error, as they came. */
  output(): string {
    return this.#output;
  }

  signal(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch {
      // Nobody is left in the group.
    }
  }

  /** Resolves with the match once the output has it. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const end = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      const over = this.#child.exitCode !== null || performance.now() > end;
      if (over) throw new Error(`${this.#command}: no ${String(pattern)} in\n${this.#output.slice(-4_000)}`);
      await pause(20);
    }
  }

  /** Resolves once it serves, with the ports of its business face and its admin port. */
  async untilServing(): Promise<{ readonly base: string; readonly admin: string }> {
    const [line] = await this.until(/^\{.*"event":"serving".*\}$/m);
    const { listen, admin } = JSON.parse(line) as { listen: string[]; admin?: string[] };
    return { base: `http://${listen[0]}`, admin: `http://${admin?.[0]}` };
  }
}
