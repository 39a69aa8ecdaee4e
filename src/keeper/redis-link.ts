import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';
import { parseRedisUrl } from './redis-url.ts';

/** Where Redis is. */
export interface RedisPlace {
  /** redis:// or rediss://, perhaps with user and password. With Sentinels its host is the group's name. */
  readonly url: Secret;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** The URL names one node of a Redis Cluster. */
  readonly cluster: boolean;
}

export interface RedisLinkParts {
  readonly place: RedisPlace;
  readonly channel: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface LinkListener {
  there(): void;
  away(): void;
  message(text: string): void;
}

/** A Redis that does not answer within this time is away. */
const ANSWER_MS_MAX = 1_000;
const PING_MS = 500;
/** So many pings in vain, and the connection is made anew: it may be half open. */
const PINGS_MAX = 10;
const RECONNECT_MS_MAX = 2_000;
/** A subscription or database that was refused is tried again after this: a right may be given, a node come up. */
const REFUSED_MS = 5_000;
/** How Redis begins the text of an error. */
const WORD = /^[A-Z]{3,20}(?=\s|$)/;

/**
 * Two connections to Redis, one for commands and one that listens, and whether Redis is there. The
 * client reconnects by itself; we notice a Redis that hangs, and do not wait for it more than once.
 */
export class RedisLink {
  readonly #parts: RedisLinkParts;
  readonly #listener: LinkListener;
  readonly #opened: Promise<void>;
  #connecting: Promise<unknown> = Promise.resolve();
  #commands: Redis | Cluster | undefined;
  #messages: Redis | Cluster | undefined;
  #isThere = false;
  /** The first attempt to connect has ended, well or not. */
  #wasTried = false;
  #onTried: () => void = () => {};
  #reason = 'unreachable';
  /** The connection is in another database than the URL says. */
  #isAstray = false;
  #ping: Timer | undefined;
  #subscription: Timer | undefined;
  #selection: Timer | undefined;
  #closed = false;

  constructor(parts: RedisLinkParts, listener: LinkListener) {
    this.#parts = parts;
    this.#listener = listener;
    this.#opened = this.#open().catch((error: unknown) => this.#failed(error));
  }

  /** What `work` answers, or undefined where Redis is away, refuses, or takes too long. */
  async run<Answer>(work: (redis: Redis | Cluster) => Promise<Answer>): Promise<Answer | undefined> {
    if (!this.#wasTried) await this.#within(this.#tried());
    const redis = this.#commands;
    if (redis === undefined || !this.#isThere || this.#closed) return undefined;
    try {
      const answer = await this.#within(work(redis).then((value) => ({ value })));
      if (answer !== undefined) return answer.value;
      this.#away('no answer in time');
      this.#pingLater(redis, 1);
    } catch (error) {
      this.#parts.log.warn('token store refused a command', { reason: reasonOf(error) });
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ping?.cancel();
    this.#subscription?.cancel();
    this.#selection?.cancel();
    this.#settleFirst();
    await this.#opened;
    // The client minds to be stopped in the middle of a handshake.
    await this.#within(this.#connecting);
    this.#commands?.disconnect();
    this.#messages?.disconnect();
  }

  async #open(): Promise<void> {
    const { place } = this.#parts;
    const commands = await this.#connect(place);
    const messages = await this.#connect(place);
    this.#commands = commands;
    this.#messages = messages;
    if (this.#closed) return;
    commands.on('ready', () => {
      if (this.#isAstray) this.#selectLater(commands);
      else this.#there();
    });
    commands.on('close', () => {
      this.#isAstray = false;
      this.#away(this.#reason);
    });
    commands.on('error', (error) => this.#failed(error));
    // Messages that got lost are made up for by reading again.
    messages.on('error', () => undefined);
    messages.on('message', (_channel: string, text: string) => this.#listener.message(text));
    messages.on('ready', () => this.#subscribe(messages));
    const connect = (redis: Redis | Cluster): Promise<void> =>
      redis.connect().catch(() => this.#settleFirst());
    this.#connecting = Promise.all([connect(commands), connect(messages)]);
  }

  /** The client goes on in database 0 where SELECT was refused; what is there is not ours. */
  #selectLater(commands: Redis | Cluster): void {
    this.#selection?.cancel();
    this.#selection = this.#parts.clock.after(REFUSED_MS, () => {
      if (!this.#closed && this.#isAstray) commands.disconnect(true);
    });
  }

  #subscribe(messages: Redis | Cluster): void {
    const { channel, clock, log } = this.#parts;
    messages.subscribe(channel).then(
      () => this.#listener.there(),
      (error: unknown) => {
        if (this.#closed || messages.status !== 'ready') return;
        const reason = reasonOf(error);
        log.warn('token store does not tell of new tokens; it is read every ten seconds', { reason });
        this.#subscription?.cancel();
        this.#subscription = clock.after(REFUSED_MS, () => {
          if (!this.#closed && messages.status === 'ready') this.#subscribe(messages);
        });
      },
    );
  }

  async #connect({ url, sentinels, cluster }: RedisPlace): Promise<Redis | Cluster> {
    // Whoever keeps tokens elsewhere does not pay for the client.
    const ioredis = await import('ioredis');
    const parsed = parseRedisUrl(url.reveal());
    if (parsed.kind === 'bad') throw new Error('Cannot read the URL of the store', { cause: parsed.why });
    const { isTls, host, port, username, password, database } = parsed.url;
    const retry = (times: number): number => this.#retryMs(times);
    const options: RedisOptions = {
      ...(username !== '' && { username }),
      ...(password !== '' && { password }),
      ...(isTls && { tls: {} }),
      connectTimeout: 2 * ANSWER_MS_MAX,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      keepAlive: 10_000,
      lazyConnect: true,
      // A master that became a replica: the client must find the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    };
    if (cluster) {
      const { enableOfflineQueue: _, ...redisOptions } = options;
      return new ioredis.Cluster([{ host, port }], {
        redisOptions: { ...redisOptions, lazyConnect: false },
        // Its own first question waits in that queue; ours are asked when it is there.
        enableOfflineQueue: true,
        lazyConnect: true,
        clusterRetryStrategy: retry,
        slotsRefreshTimeout: 2 * ANSWER_MS_MAX,
      });
    }
    const single: RedisOptions = { ...options, db: database, retryStrategy: retry };
    if (sentinels.length === 0) return new ioredis.Redis({ ...single, host, port });
    return new ioredis.Redis({
      ...single,
      name: host,
      sentinels: sentinels.map((one) => ({ ...one })),
      sentinelRetryStrategy: retry,
      ...(isTls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    });
  }

  #there(): void {
    this.#settleFirst();
    this.#reason = 'unreachable';
    if (this.#isThere || this.#closed) return;
    this.#isThere = true;
    this.#parts.log.info('token store is there');
    this.#listener.there();
  }

  #away(reason: string): void {
    this.#settleFirst();
    if (!this.#isThere || this.#closed) return;
    this.#isThere = false;
    this.#parts.log.warn('token store is away', { reason });
    this.#listener.away();
  }

  #failed(error: unknown): void {
    this.#settleFirst();
    this.#isAstray ||= isOfSelect(error);
    const reason = isOfSelect(error) ? 'SELECT' : reasonOf(error);
    const isNew = reason !== this.#reason;
    this.#reason = reason;
    if (isNew && !this.#isThere && !this.#closed) {
      this.#parts.log.error('token store cannot be used', {
        reason,
        ...(hintOf(reason) && { hint: hintOf(reason) }),
      });
    }
  }

  #pingLater(redis: Redis | Cluster, attempt: number): void {
    this.#ping?.cancel();
    this.#ping = this.#parts.clock.after(PING_MS, () => {
      // A connection that is made anew says so by itself.
      if (this.#closed || this.#isThere || redis.status !== 'ready') return;
      void this.#within(redis.ping().catch(() => undefined)).then((pong) => {
        if (this.#closed || this.#isThere) return;
        if (pong !== undefined) this.#there();
        else if (attempt < PINGS_MAX) this.#pingLater(redis, attempt + 1);
        else for (const one of [this.#commands, this.#messages]) one?.disconnect(true);
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

  /** Undefined where it takes too long; what comes of it later is nobody's. */
  #within<Answer>(work: Promise<Answer>): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      const timer = this.#parts.clock.after(ANSWER_MS_MAX, () => resolve(undefined));
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

/** A code such as ECONNREFUSED or WRONGPASS; never the text, which may quote what we sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  const word = WORD.exec(error.message)?.[0];
  if (word !== undefined) return word;
  return error.message.startsWith('All sentinels are unreachable') ? 'SENTINELS' : error.name;
}

function isOfSelect(error: unknown): boolean {
  const command: unknown = error instanceof Error && 'command' in error ? error.command : undefined;
  return typeof command === 'object' && command !== null && 'name' in command && command.name === 'select';
}

function hintOf(reason: string): string | undefined {
  switch (reason) {
    case 'WRONGPASS':
    case 'NOAUTH':
      return 'correct the user or password in the store’s URL';
    case 'NOPERM':
      return 'give the Redis user the commands, keys and channel that docs/hub.md lists';
    case 'SELECT':
      return 'the store’s URL names a database that this Redis does not have, or that the user has no right to select';
    case 'SENTINELS':
      return 'no Sentinel can be reached, or none knows the group that the URL names';
    default:
      return reason.includes('CERT') ? 'trust its certificate with NODE_EXTRA_CA_CERTS' : undefined;
  }
}
