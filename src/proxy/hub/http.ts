import type { Clock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { type AnswerSink, exchange, type Exchange, type Upstream } from '../../upstream/exchange.ts';
import { type Origin, Origins } from '../../upstream/origins.ts';
import { type PoolOptions, Pools } from '../../upstream/pools.ts';

/** A request to a hub, whichever of its addresses it goes to. */
export interface HubRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  /** A flat list of names and values. Holds the credential: never logged. */
  readonly headers: readonly string[];
  readonly body?: Buffer;
}

/** Sends one request to one address of a hub, and gives the answer to `sink` as it comes. */
export interface HubHttp {
  send(origin: Origin, request: HubRequest, sink: AnswerSink): Exchange;
  close(): Promise<void>;
}

export function makeHubHttp(options: PoolOptions, clock: Clock): HubHttp {
  const pools = new Pools(options);
  const upstreams = new Map<string, Upstream>();
  const upstreamOf = (origin: Origin): Upstream => {
    const known = upstreams.get(origin.url);
    if (known !== undefined) return known;
    // One address each: which of them is asked is decided by the caller, who also goes on after a 5xx.
    const made = { origins: new Origins([origin.url], clock), pools, log: silentLog, onFailover() {} };
    upstreams.set(origin.url, made);
    return made;
  };
  return {
    send(origin, { method, path, headers, body }, sink) {
      const outgoing = body === undefined ? undefined : { bytes: body.length, open: () => body };
      return exchange(
        upstreamOf(origin),
        { method, target: path, headers, body: outgoing, pinned: false },
        sink,
      );
    },
    close: () => pools.close(),
  };
}
