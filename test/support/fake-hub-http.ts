import { Secret } from '../../src/base/secret.ts';
import type { Bearer } from '../../src/hub-client/bearer.ts';
import { HubClient } from '../../src/hub-client/client.ts';
import type { HubHttp, HubRequest } from '../../src/hub-client/http.ts';
import type { ResponseSink, TransportFailure } from '../../src/upstream/request.ts';
import { type Origin, Origins } from '../../src/upstream/origins.ts';
import { ripple } from './fake-issuer.ts';
import type { ManualClock } from './manual-clock.ts';

/** One request that left, to be answered by the test. */
export class FakeSending {
  readonly origin: Origin;
  readonly request: HubRequest;
  readonly #sink: ResponseSink;
  aborted = false;

  constructor(origin: Origin, request: HubRequest, sink: ResponseSink) {
    this.origin = origin;
    this.request = request;
    this.#sink = sink;
  }

  head(status: number, headers: string[] = []): void {
    this.#sink.head(status, '', headers, this.origin);
  }

  data(text: string): void {
    if (!this.aborted) this.#sink.data(Buffer.from(text));
  }

  end(): Promise<void> {
    if (!this.aborted) this.#sink.end([]);
    return ripple();
  }

  answer(status: number, content: object, headers: string[] = []): Promise<void> {
    if (this.aborted) return ripple();
    this.head(status, ['content-type', 'application/json', ...headers]);
    this.data(JSON.stringify(content));
    return this.end();
  }

  problem(
    status: number,
    reason: string,
    more: { errcode?: number; retryAfterS?: number } = {},
  ): Promise<void> {
    const { errcode, retryAfterS } = more;
    const content = { type: `urn:wechat-sidecar:problem:${reason}`, title: '', status, detail: `${reason}!` };
    const headers = retryAfterS === undefined ? [] : ['retry-after', String(retryAfterS)];
    return this.answer(status, { ...content, ...(errcode !== undefined && { errcode }) }, headers);
  }

  fail(kind: TransportFailure['kind'], reason = 'ECONNREFUSED'): Promise<void> {
    if (!this.aborted) this.#sink.failed({ kind, reason, host: this.origin.host });
    return ripple();
  }
}

/** Hubs whose answers are written by the test. */
export class FakeHubHttp implements HubHttp {
  readonly sendings: FakeSending[] = [];

  send(origin: Origin, request: HubRequest, sink: ResponseSink): { resume(): void; abort(): void } {
    const sending = new FakeSending(origin, request, sink);
    this.sendings.push(sending);
    return { resume() {}, abort: () => void (sending.aborted = true) };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The one at `index`, counted from the end where it is negative. */
  at(index: number): FakeSending {
    const sending = this.sendings.at(index);
    if (sending === undefined) throw new Error(`There is no request ${index} of ${this.sendings.length}`);
    return sending;
  }
}

export interface FakeHub {
  readonly http: FakeHubHttp;
  readonly origins: Origins;
  readonly client: HubClient;
  /** Puts another credential in place. */
  bearer(next: Bearer): void;
}

export function makeFakeHub(clock: ManualClock, urls: readonly string[] = ['http://a', 'http://b']): FakeHub {
  const http = new FakeHubHttp();
  const origins = new Origins(urls, clock);
  let bearer: Bearer = { kind: 'bearer', value: new Secret('key-1') };
  const readBearer = (): Promise<Bearer> => Promise.resolve(bearer);
  const client = new HubClient({ http, origins, readBearer, version: '0.0.0-test', clock });
  return {
    http,
    origins,
    client,
    bearer(next) {
      bearer = next;
    },
  };
}

/** A `WireToken` of a hub whose clock is right. */
export function wireToken(
  appid: string,
  value: string,
  clock: ManualClock,
  { agedS = 0, lifeS = 7_200 }: { agedS?: number; lifeS?: number } = {},
): object {
  const issuedMs = clock.unixMs() - agedS * 1_000;
  return {
    appid,
    access_token: value,
    fingerprint: '',
    issued_at: new Date(issuedMs).toISOString(),
    expires_at: new Date(issuedMs + lifeS * 1_000).toISOString(),
    expires_in: lifeS - agedS,
  };
}
