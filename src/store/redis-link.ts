import type { Cluster, Redis } from 'ioredis';
import type { Clock, Timer } from '../base/clock.ts';
import { stackFrames } from '../base/fault.ts';
import { within } from '../base/wait.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { makeClient, type RedisTarget } from './redis-client.ts';
import { hintOf, isOfSelect, isOfStore, isReadOnly, reasonOf } from './redis-errors.ts';

export interface RedisLinkParts {
  readonly target: RedisTarget;
  readonly channel: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface LinkListener {
  connected(): void;
  disconnected(): void;
  message(text: string): void;
}

/** A Redis that does not respond within this time is unavailable. */
const ANSWER_MS_MAX = 1_000;
const PING_MS = 500;
/** After this many unanswered pings we reconnect: the connection may be half open. */
const PINGS_MAX = 10;
const RECONNECT_MS_MAX = 2_000;
/** A refused subscription or database is retried after this: an ACL may change, a node may start. */
const REFUSED_MS = 5_000;
/** In a Cluster, an account whose node does not respond is retried after this. */
const SILENT_MS = 2_000;
/** From a server that stays read-only we disconnect again after a second, then twice that, up to this. */
const LEAVE_MS_MAX = 30_000;
/** After this time without such a disconnect, the delay starts from zero again. */
const LEFT_MS = 5 * 60_000;

/**
 * Two connections to Redis, one for commands and one for messages, and whether Redis is available. The
 * client reconnects automatically; we detect a hanging Redis and wait for it only once.
 */
export class RedisLink {
  readonly #parts: RedisLinkParts;
  readonly #listener: LinkListener;
  readonly #opened: Promise<void>;
  #connecting: Promise<unknown> = Promise.resolve();
  #commands: Redis | Cluster | undefined;
  #messages: Redis | Cluster | undefined;
  #isThere = false;
  /** The first attempt to connect has ended, successfully or not. */
  #wasTried = false;
  #onTried: () => void = () => {};
  #reason = 'unreachable';
  /** The connection uses another database than the URL names. */
  #isAstray = false;
  #ping: Timer | undefined;
  #subscription: Timer | undefined;
  #selection: Timer | undefined;
  /** In a Cluster: accounts whose node did not respond, and when each is retried. */
  readonly #silent = new Map<string, number>();
  /** Set while a reconnect is pending. */
  #leaving: Timer | undefined;
  #leaves = 0;
  #leftAtMs = -Infinity;
  #closed = false;

  constructor(parts: RedisLinkParts, listener: LinkListener) {
    this.#parts = parts;
    this.#listener = listener;
    this.#opened = this.#open().catch((error: unknown) => this.#failed(error));
  }

  /**
   * Returns the result of `work`, or undefined if Redis is unavailable, refuses, or takes too long. In a Cluster,
   * a node that does not respond is unavailable only for the accounts that it stores.
   */
  async run<Answer>(
    account: string,
    work: (redis: Redis | Cluster) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    if (!this.#wasTried) await this.#within(this.#tried());
    const redis = this.#commands;
    if (redis === undefined || !this.#isThere || this.#closed) return undefined;
    const retryAtMs = this.#silent.get(account);
    const nowMs = this.#parts.clock.monotonicMs();
    if (retryAtMs !== undefined) {
      if (nowMs < retryAtMs) return undefined;
      // Only one of the concurrent callers waits.
      this.#silent.set(account, nowMs + ANSWER_MS_MAX + SILENT_MS);
    }
    try {
      const answer = await this.#within(work(redis).then((value) => ({ value })));
      if (answer === undefined) this.#unanswered(redis, account);
      else this.#silent.delete(account);
      return answer?.value;
    } catch (error) {
      if (retryAtMs !== undefined) this.#silent.set(account, this.#parts.clock.monotonicMs() + SILENT_MS);
      this.#refused(error);
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ping?.cancel();
    this.#subscription?.cancel();
    this.#selection?.cancel();
    this.#leaving?.cancel();
    this.#settleFirst();
    await this.#opened;
    // The client fails if it is stopped in the middle of a handshake.
    await this.#within(this.#connecting);
    this.#commands?.disconnect();
    this.#messages?.disconnect();
  }

  async #open(): Promise<void> {
    const { target } = this.#parts;
    const parts = {
      connectMs: 2 * ANSWER_MS_MAX,
      silenceMs: PINGS_MAX * PING_MS,
      retryMs: (times: number) => this.#retryMs(times),
      askFailed: (error: unknown) => this.#refused(error),
    };
    const commands = await makeClient(target, parts);
    const messages = await makeClient(target, parts);
    this.#commands = commands;
    this.#messages = messages;
    if (this.#closed) return;
    commands.on('ready', () => {
      if (this.#isAstray) this.#selectLater(commands);
      else this.#connected();
    });
    commands.on('close', () => {
      this.#isAstray = false;
      this.#away(this.#reason);
    });
    commands.on('error', (error) => this.#failed(error));
    // The periodic reread makes up for lost messages.
    messages.on('error', () => undefined);
    messages.on('message', (_channel: string, text: string) => this.#listener.message(text));
    messages.on('ready', () => this.#subscribe(messages));
    const connect = (redis: Redis | Cluster): Promise<void> =>
      redis.connect().catch(() => this.#settleFirst());
    this.#connecting = Promise.all([connect(commands), connect(messages)]);
  }

  /** If SELECT is refused the client continues in database 0, whose content is not ours. */
  #selectLater(commands: Redis | Cluster): void {
    this.#selection?.cancel();
    this.#selection = this.#parts.clock.after(REFUSED_MS, () => {
      if (!this.#closed && this.#isAstray) commands.disconnect(true);
    });
  }

  #subscribe(messages: Redis | Cluster): void {
    const { channel, clock, log } = this.#parts;
    messages.subscribe(channel).then(
      () => this.#listener.connected(),
      (error: unknown) => {
        if (this.#closed || messages.status !== 'ready') return;
        const reason = reasonOf(error);
        log.warn('token store sends no notifications; reading it every ten seconds', { reason });
        this.#subscription?.cancel();
        this.#subscription = clock.after(REFUSED_MS, () => {
          if (!this.#closed && messages.status === 'ready') this.#subscribe(messages);
        });
      },
    );
  }

  #connected(): void {
    this.#settleFirst();
    this.#reason = 'unreachable';
    if (this.#isThere || this.#closed || this.#leaving !== undefined) return;
    this.#isThere = true;
    this.#parts.log.info('token store is available');
    this.#listener.connected();
  }

  #away(reason: string): void {
    this.#settleFirst();
    if (!this.#isThere || this.#closed) return;
    this.#isThere = false;
    this.#parts.log.warn('token store is unavailable', { reason });
    this.#listener.disconnected();
  }

  #failed(error: unknown): void {
    this.#settleFirst();
    this.#isAstray ||= isOfSelect(error);
    const reason = isOfSelect(error) ? 'SELECT' : reasonOf(error);
    const isNew = reason !== this.#reason;
    this.#reason = reason;
    if (isNew && !this.#isThere && !this.#closed) {
      this.#parts.log.error('token store cannot be used', withHint(reason));
    }
  }

  #unanswered(redis: Redis | Cluster, account: string): void {
    if (this.#parts.target.cluster) {
      this.#silent.set(account, this.#parts.clock.monotonicMs() + SILENT_MS);
      this.#parts.log.warn('token store node did not answer', { account });
      return;
    }
    this.#away('no answer in time');
    this.#pingLater(redis, 1);
  }

  #refused(error: unknown): void {
    if (this.#closed) return;
    const reason = reasonOf(error);
    this.#parts.log.warn('token store refused a command', withHint(reason));
    if (isReadOnly(error)) this.#leave(reason);
  }

  /** An unhandled rejection, in the client or elsewhere, must not end a process that keeps tokens. */
  stray(error: unknown): void {
    if (this.#closed) return;
    const at = stackFrames(error);
    if (!isOfStore(error)) {
      const name = error instanceof Error ? error.name : typeof error;
      this.#parts.log.error('internal error caught; please report it', { name, at });
      return;
    }
    const reason = reasonOf(error);
    this.#parts.log.error('token store client error caught; reconnecting', {
      reason,
      at,
    });
    this.#leave(reason);
  }

  /** Disconnects and reconnects: at once, and with a growing delay if that does not help. */
  #leave(reason: string): void {
    if (this.#leaving !== undefined || this.#closed) return;
    const { clock, random } = this.#parts;
    this.#away(reason);
    if (clock.monotonicMs() - this.#leftAtMs > LEFT_MS) this.#leaves = 0;
    const capMs = this.#leaves === 0 ? 0 : Math.min(500 * 2 ** this.#leaves, LEAVE_MS_MAX);
    this.#leftAtMs = clock.monotonicMs();
    this.#leaves += 1;
    this.#leaving = clock.after(capMs * (0.5 + random() / 2), () => {
      this.#leaving = undefined;
      this.#reconnect();
    });
  }

  #reconnect(): void {
    for (const one of [this.#commands, this.#messages]) one?.disconnect(true);
  }

  #pingLater(redis: Redis | Cluster, attempt: number): void {
    this.#ping?.cancel();
    this.#ping = this.#parts.clock.after(PING_MS, () => {
      // A reconnect emits its own event.
      if (this.#closed || this.#isThere || redis.status !== 'ready') return;
      void this.#within(redis.ping().catch(() => undefined)).then((pong) => {
        if (this.#closed || this.#isThere) return;
        if (pong !== undefined) this.#connected();
        else if (attempt < PINGS_MAX) this.#pingLater(redis, attempt + 1);
        else this.#reconnect();
      });
    });
  }

  #retryMs(times: number): number {
    const capMs = Math.min(100 * 2 ** Math.min(times, 10), RECONNECT_MS_MAX);
    return capMs * (0.5 + this.#parts.random() / 2);
  }

  #tried(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#onTried;
      this.#onTried = () => {
        before();
        resolve();
      };
    });
  }

  #settleFirst(): void {
    this.#wasTried = true;
    this.#onTried();
    this.#onTried = () => {};
  }

  /** Resolves to undefined if the work takes too long; its later outcome is ignored. */
  #within<Answer>(work: Promise<Answer>): Promise<Answer | undefined> {
    return within(
      this.#parts.clock,
      ANSWER_MS_MAX,
      () => work,
      () => undefined,
    );
  }
}

function withHint(reason: string): { reason: string; hint?: string } {
  const hint = hintOf(reason);
  return hint === undefined ? { reason } : { reason, hint };
}
