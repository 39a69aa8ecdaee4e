import { Attempt } from '../upstream/attempt.ts';
import type { ResponseSink, Exchange } from '../upstream/request.ts';
import type { Origin } from '../upstream/origins.ts';
import { type PoolOptions, Pools } from '../upstream/pools.ts';

/** A request to a hub, independent of the address that it is sent to. */
export interface HubRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  /** A flat list of names and values. Contains the credential: never log it. */
  readonly headers: readonly string[];
  readonly body?: Buffer;
}

/** Sends one request to one address of a hub, and streams the response to `sink`. */
export interface HubHttp {
  send(origin: Origin, request: HubRequest, sink: ResponseSink): Exchange;
  close(): Promise<void>;
}

export function makeHubHttp(options: PoolOptions): HubHttp {
  const pools = new Pools(options);
  return {
    send(origin, { method, path, headers, body }, sink) {
      const request = {
        method,
        target: path,
        headers,
        body: body === undefined ? undefined : { bytes: body.length, open: () => body },
        pinned: false,
      };
      let current: Attempt | undefined;
      // The caller chooses the address.
      const start = (fresh: boolean): void => {
        const limitMs = options.connectTimeoutMs;
        current = new Attempt(pools, request, sink, {
          origin,
          fresh,
          limitMs,
          onConnected() {},
          onAnswered() {},
          onFailure({ isRepeatable, kind, reason, host }) {
            if (isRepeatable && !fresh) start(true);
            else sink.failed({ kind, reason, host });
          },
        });
        current.start();
      };
      start(false);
      return { resume: () => current?.resume(), abort: () => current?.abort() };
    },
    close: () => pools.close(),
  };
}
