import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { Secret } from '../base/secret.ts';
import { parseRedisUrl } from './redis-url.ts';

/** The address of Redis. */
export interface RedisTarget {
  /** redis:// or rediss://, optionally with user and password. With Sentinels, its host is the group's name. */
  readonly url: Secret;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** The URL names one node of a Redis Cluster. */
  readonly cluster: boolean;
}

export interface ClientParts {
  /** Connection timeout. */
  readonly connectMs: number;
  /** A node of a Cluster that has been silent for this long is reconnected. */
  readonly silenceMs: number;
  retryMs(times: number): number;
  /** A node of a Cluster refused ASKING, or disconnected first. */
  askFailed(error: unknown): void;
}

/** Returns a client that is not connected yet. It reconnects automatically and does not queue commands. */
export async function makeClient(
  { url, sentinels, cluster }: RedisTarget,
  parts: ClientParts,
): Promise<Redis | Cluster> {
  // Loaded lazily: other stores do not need the client.
  const ioredis = await import('ioredis');
  const parsed = parseRedisUrl(url.reveal());
  if (parsed.kind === 'bad') throw new Error('Invalid URL of the token store', { cause: parsed.why });
  const { isTls, host, port, username, password, database } = parsed.url;
  const retry = (times: number): number => parts.retryMs(times);
  const options: RedisOptions = {
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    ...(isTls && { tls: {} }),
    connectTimeout: parts.connectMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    keepAlive: 10_000,
    lazyConnect: true,
    // Redis does not need the client's name and version, and a user with few rights may not set them.
    disableClientInfo: true,
  };
  if (cluster) {
    const { enableOfflineQueue: _, ...redisOptions } = options;
    const client = new ioredis.Cluster([{ host, port }], {
      redisOptions: { ...redisOptions, lazyConnect: false, socketTimeout: parts.silenceMs },
      // The client's own first command needs this queue; ours are sent only after it is connected.
      enableOfflineQueue: true,
      lazyConnect: true,
      clusterRetryStrategy: retry,
      slotsRefreshTimeout: parts.connectMs,
    });
    client.on('+node', (node: Redis) => takeAsking(node, (error) => parts.askFailed(error)));
    return client;
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

/** While a slot moves, the client sends ASKING and ignores its promise: a rejection would end the process. */
function takeAsking(node: Redis, askFailed: (error: unknown) => void): void {
  const asking = node.asking.bind(node);
  Object.assign(node, {
    asking: () => {
      const asked = asking();
      asked.catch(askFailed);
      return asked;
    },
  });
}
