/**
 * A load generator, as a program, for what wrk cannot do: a constant rate, and a connection per call. With a rate it
 * sends on time even if earlier calls are unanswered; without one each connection calls again as soon as it has its
 * response. The time of a call starts when it was sent, or when it was due if no connection was free.
 *
 *   generator.js '{"port":…,"connections":…,"seconds":…,"requests":[file…]}'
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from './raw-client.ts';

export interface Job {
  readonly port: number;
  /** The CA file for a TLS destination. */
  readonly caFile?: string;
  readonly connections: number;
  readonly seconds: number;
  /** Total calls per second. */
  readonly rate?: number;
  /** Each call opens its own connection. */
  readonly fresh?: boolean;
  /** Files with one request each; of two, the second is used every 20th time; more are used in turn. See `numbered`. */
  readonly requests: readonly string[];
}

export interface Outcome {
  readonly calls: number;
  readonly errors: number;
  /** What went wrong, and how often. */
  readonly failures: readonly (readonly [what: string, count: number])[];
  readonly seconds: number;
  /** Each call time in µs, and how many calls had it; at a constant rate without those of the first second. */
  readonly times: readonly (readonly [us: number, count: number])[];
  /** CPU time of the generator itself. */
  readonly cpuUs: number;
}

const SECONDS_MAX = 120;
/**
 * At a constant rate the calls of the first moment are not timed: the generator itself is cold, and each call that waits for
 * a TLS handshake makes the next one open another connection.
 */
const UNTIMED_MS = 1_000;
/**
 * At a constant rate something happens every few milliseconds. If nothing did for so long, or for two intervals, the generator
 * itself stood still, and how late the calls were that were under way is unknown.
 */
const STILL_MS = 4;
/** A flood of connections would be cut down to a limit. */
const OPENED_AT_ONCE = 50;
const OPENED_EVERY_MS = 20;

class Generator {
  readonly #job: Job;
  readonly #ca: string | undefined;
  readonly #requests: readonly Buffer[];
  readonly #numbered: readonly Buffer[];
  readonly #stillMs: number;
  readonly #idle: RawClient[] = [];
  readonly #due: number[] = [];
  readonly #times = new Map<number, number>();
  #open = 0;
  #timedFromMs = -Infinity;
  /** When it was last seen to run. */
  #awakeMs = -Infinity;
  readonly #failures = new Map<string, number>();
  #sent = 0;

  constructor(job: Job) {
    this.#job = job;
    this.#ca = job.caFile === undefined ? undefined : readFileSync(job.caFile, 'utf8');
    this.#requests = job.requests.map((file) => readFileSync(file));
    this.#stillMs = job.rate === undefined ? Infinity : Math.max(STILL_MS, 2_000 / job.rate);
    this.#numbered = numbered(this.#requests[0]?.toString('latin1') ?? '');
  }

  async run(): Promise<Outcome> {
    const { rate, seconds } = this.#job;
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    const ms = Math.min(seconds, SECONDS_MAX) * 1_000;
    await (rate === undefined ? this.#asFastAsAnswered(startMs + ms) : this.#atRate(rate, startMs, ms));
    const used = process.cpuUsage(cpu);
    const errors = [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
    return {
      calls: this.#sent - errors,
      errors,
      failures: [...this.#failures],
      seconds: (performance.now() - startMs) / 1_000,
      times: [...this.#times],
      cpuUs: used.user + used.system,
    };
  }

  async #asFastAsAnswered(endMs: number): Promise<void> {
    const work = async (at: number): Promise<void> => {
      await sleep(Math.floor(at / OPENED_AT_ONCE) * OPENED_EVERY_MS);
      while (performance.now() < endMs) await this.#call(performance.now());
    };
    await Promise.all(Array.from({ length: this.#job.connections }, (_, at) => work(at)));
  }

  async #atRate(rate: number, startMs: number, ms: number): Promise<void> {
    const calls: Promise<void>[] = [];
    this.#timedFromMs = startMs + UNTIMED_MS;
    const endMs = this.#timedFromMs + ms;
    for (let dueMs = startMs; dueMs < endMs; dueMs = startMs + (calls.length / rate) * 1_000) {
      if (dueMs > performance.now()) await sleep(dueMs - performance.now());
      this.#awake(performance.now());
      if (this.#open < this.#job.connections) calls.push(this.#workOff());
      else calls.push(Promise.resolve(void this.#due.push(performance.now())));
    }
    await Promise.all(calls);
  }

  /** One call, then those that waited for a connection. */
  async #workOff(): Promise<void> {
    this.#open += 1;
    for (let dueMs: number | undefined = performance.now(); dueMs !== undefined; dueMs = this.#due.shift()) {
      await this.#call(dueMs);
    }
    this.#open -= 1;
  }

  async #call(dueMs: number): Promise<void> {
    const client = this.#client();
    this.#sent += 1;
    try {
      const { status, text } = await client.call(this.#next() ?? Buffer.alloc(0));
      const nowMs = performance.now();
      this.#awake(nowMs);
      if (status !== 200)
        this.#failed(`${status} ${/^x-wechat-sidecar-error: *(.*)$/im.exec(text)?.[1] ?? ''}`);
      else if (dueMs >= this.#timedFromMs) this.#count(nowMs - dueMs);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
    if (this.#job.fresh === true || !client.usable) client.close();
    else this.#idle.push(client);
  }

  /** Leaves calls that were sent before now untimed if it stood still. */
  #awake(nowMs: number): void {
    if (nowMs - this.#awakeMs > this.#stillMs) this.#timedFromMs = Math.max(this.#timedFromMs, nowMs);
    this.#awakeMs = nowMs;
  }

  #next(): Buffer | undefined {
    const [usual, odd = usual, ...more] = this.#requests;
    if (this.#numbered.length > 0) return this.#numbered[this.#sent % this.#numbered.length];
    if (more.length > 0) return this.#requests[this.#sent % this.#requests.length];
    return this.#sent % 20 === 0 ? odd : usual;
  }

  /** An open one, or a new one. */
  #client(): RawClient {
    for (let client = this.#idle.pop(); client !== undefined; client = this.#idle.pop()) {
      if (client.usable) return client;
    }
    return new RawClient({ port: this.#job.port, ...(this.#ca !== undefined && { ca: this.#ca }) });
  }

  #failed(what: string): void {
    this.#failures.set(what.trim(), (this.#failures.get(what.trim()) ?? 0) + 1);
  }

  #count(ms: number): void {
    const us = Math.round(ms * 1_000);
    this.#times.set(us, (this.#times.get(us) ?? 0) + 1);
  }
}

/** `@0-99@` in a request stands for each of these numbers, one after the other. */
function numbered(text: string): Buffer[] {
  const [, before = '', first, last, after = ''] = /^(.*)@(\d+)-(\d+)@(.*)$/s.exec(text) ?? [];
  if (first === undefined) return [];
  const count = Number(last) - Number(first) + 1;
  return Array.from({ length: count }, (_, at) => Buffer.from(`${before}${Number(first) + at}${after}`));
}

if (process.argv[2] !== undefined) {
  const outcome = await new Generator(JSON.parse(process.argv[2]) as Job).run();
  process.stdout.write(JSON.stringify(outcome), () => process.exit());
}
