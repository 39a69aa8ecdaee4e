import { STATUS_CODES } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import { errcodeLabel } from '../wechat/errcode-labels.ts';
import { boundedLabels, perLabel } from './bounded-labels.ts';
import { makeEndpointLabels } from './endpoint-labels.ts';
import type {
  AnsweredCall,
  InjectionResult,
  LookOutcome,
  RefreshResult,
  RefreshTrigger,
  ReplayOutcome,
  ReplaySkipReason,
} from './counted.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { type Tally, TallyHistogram } from './tally-histogram.ts';

/** All metrics, and the page that shows them. Durations are passed in milliseconds and shown in seconds. */
export interface Metrics {
  readonly contentType: string;
  page(): Promise<string>;
  callStarted(): void;
  /** Once for every `callStarted`, whatever the outcome. */
  callEnded(): void;
  callAnswered(call: AnsweredCall): void;
  upstreamAnswered(host: string, durationMs: number): void;
  upstreamFailedOver(host: string): void;
  /** `reason` is from a closed set: why the egress proxy did not provide a connection. */
  egressProxyFailed(reason: string): void;
  /** `read` returns the bytes of all kept bodies; called when the page is requested. */
  watchReplayBuffer(read: () => number): void;
  replayed(app: string, errcode: number, outcome: ReplayOutcome): void;
  replaySkipped(app: string, reason: ReplaySkipReason): void;
  /** The platform refused a foreign token; `app` is absent if the call named no account. */
  foreignTokenRefused(app: string | undefined): void;
  tokenRefreshed(app: string, trigger: RefreshTrigger, result: RefreshResult): void;
  /** `errcode` is absent if the platform sent none: no connection, or an unreadable response. */
  tokenFetchFailed(app: string, errcode: number | undefined): void;
  /** Reports of a refused token were looked into. */
  tokenLookedInto(app: string, outcome: LookOutcome): void;
  /** Whether a refused token has to wait for its successor because the quota is used up for now. */
  tokenRationed(app: string, isRationed: boolean): void;
  /** Unix time in milliseconds. */
  tokenExpiresAt(app: string, unixMs: number): void;
  /** The account is no longer served. */
  tokenGone(app: string): void;
  /** A connection was closed to make room for others. Both arguments are from closed sets. */
  connectionCut(listener: 'business' | 'transparent' | 'admin', reason: string): void;
  /** `call` is from a closed set: the route of the hub's API, otherwise `other`. */
  hubAnswered(call: string, status: number): void;
  /** `read` returns the number of open token streams. */
  watchHubWatchers(read: () => number): void;
  /** `reason` is from a closed set: why a pod was skipped, otherwise `none`. */
  podReviewed(result: InjectionResult, reason: string): void;
  /** Our CA was removed from the webhook configuration, and we restored it. */
  webhookTrustRepaired(): void;
  /** `read` returns the Unix time in milliseconds at which the webhook's certificate expires, once there is one. */
  watchWebhookCertificate(read: () => number | undefined): void;
}

export interface BuildInfo {
  readonly version: string;
  readonly role: string;
  /** Node's version. */
  readonly node: string;
}

/** From a fast response of the platform to the longest common upload. */
const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
export const APPS_MAX = 500;
export const HOSTS_MAX = 50;
/** Series of requests_total; beyond it, a call counts under endpoint and errcode `other`. */
export const REQUEST_SERIES_MAX = 5_000;
/** A path that the platform does not have: "invalid url", with HTTP status 200. */
const UNKNOWN_PATH_ERRCODE = 40066;

/** A separate registry per call, so that several roles can share a process. */
export function makeMetrics(build: BuildInfo): Metrics {
  const registry = new Registry();
  const registers = [registry];
  registerProcessMetrics(registry);
  new Gauge({
    name: 'wechat_sidecar_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'role', 'node'],
    registers,
  }).set({ ...build }, 1);
  return {
    contentType: registry.contentType,
    page: () => registry.metrics(),
    ...listenerMetrics(registers),
    ...callMetrics(registers),
    ...upstreamMetrics(registers),
    ...replayMetrics(registers),
    ...tokenMetrics(registers),
    ...hubMetrics(registers),
    ...injectionMetrics(registers),
  };
}

function listenerMetrics(registers: Registry[]): Pick<Metrics, 'connectionCut'> {
  const cut = new Counter({
    name: 'wechat_sidecar_connections_cut_total',
    help: 'Connections that were closed for the sake of others.',
    labelNames: ['listener', 'reason'],
    registers,
  });
  return { connectionCut: (listener, reason) => cut.inc({ listener, reason }) };
}

interface RequestSeries {
  readonly labels: Readonly<Record<'app' | 'endpoint' | 'status' | 'errcode', string>>;
  untold: number;
}

/** The series of the last call to an endpoint with its own label; the next call is usually the same. */
interface Recent {
  readonly app: string | undefined;
  readonly status: number;
  readonly errcode: number | undefined;
  readonly requests: RequestSeries;
  readonly durations: Tally;
}

type CallMetrics = Pick<Metrics, 'callStarted' | 'callEnded' | 'callAnswered'>;

function callMetrics(registers: Registry[]): CallMetrics {
  let inFlight = 0;
  readGauge(
    registers,
    'wechat_sidecar_requests_in_flight',
    'Calls of business programs that are being served.',
    () => inFlight,
  );
  // Counted here and passed on at a scrape: prom-client builds a string of all labels per count.
  const series = new Map<string, RequestSeries>();
  const requests = new Counter({
    name: 'wechat_sidecar_requests_total',
    help: 'Calls of business programs, by what they were answered.',
    labelNames: ['app', 'endpoint', 'status', 'errcode'],
    registers,
    collect() {
      for (const each of series.values()) {
        requests.inc(each.labels, each.untold);
        each.untold = 0;
      }
    },
  });
  const durations = perLabel(
    APPS_MAX,
    new TallyHistogram({
      name: 'wechat_sidecar_request_duration_seconds',
      help: 'From the arrival of a call to the end of its answer.',
      labelNames: ['app'],
      buckets: BUCKETS_SECONDS,
      registers,
    }),
  );
  const apps = boundedLabels(APPS_MAX);
  const endpoints = makeEndpointLabels();
  const seriesOf = (app: string, endpoint: string, status: string, errcode: string): RequestSeries => {
    const key = `${app} ${endpoint} ${status} ${errcode}`;
    const known = series.get(key);
    if (known !== undefined) return known;
    const isOver = series.size >= REQUEST_SERIES_MAX && (endpoint !== 'other' || errcode !== 'other');
    if (isOver) return seriesOf(app, 'other', status, 'other');
    const created = { labels: { app, endpoint, status, errcode }, untold: 0 };
    series.set(key, created);
    return created;
  };
  const recents = new Map<string, Recent>();
  return {
    callStarted: () => void (inFlight += 1),
    callEnded: () => void (inFlight -= 1),
    callAnswered(call) {
      const recent = recents.get(call.path);
      if (recent?.app === call.app && recent?.status === call.status && recent?.errcode === call.errcode) {
        recent.requests.untold += 1;
        recent.durations.observe(call.durationMs / 1000);
        return;
      }
      const app = apps(call.app ?? 'none');
      const served =
        call.answeredBy === 'platform' && call.status < 300 && call.errcode !== UNKNOWN_PATH_ERRCODE;
      const endpoint = endpoints.labelOf(call.path, served);
      const requested = seriesOf(app, endpoint, statusLabel(call.status), errcodeLabel(call.errcode));
      requested.untold += 1;
      const tally = durations(app);
      tally.observe(call.durationMs / 1000);
      const { status, errcode } = call;
      if (endpoint === call.path) {
        recents.set(endpoint, { app: call.app, status, errcode, requests: requested, durations: tally });
      }
    },
  };
}

type UpstreamMetrics = Pick<Metrics, 'upstreamAnswered' | 'upstreamFailedOver' | 'egressProxyFailed'>;

function upstreamMetrics(registers: Registry[]): UpstreamMetrics {
  const durations = perLabel(
    HOSTS_MAX,
    new TallyHistogram({
      name: 'wechat_sidecar_upstream_duration_seconds',
      help: 'From sending a call to the platform to the head of its answer.',
      labelNames: ['host'],
      buckets: BUCKETS_SECONDS,
      registers,
    }),
  );
  const failovers = new Counter({
    name: 'wechat_sidecar_upstream_failovers_total',
    help: 'Calls that went on to the next origin, since this host could not be connected.',
    labelNames: ['host'],
    registers,
  });
  const egress = new Counter({
    name: 'wechat_sidecar_egress_proxy_failures_total',
    help: 'Connections that the egress proxy did not give, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const hosts = boundedLabels(HOSTS_MAX);
  return {
    egressProxyFailed: (reason) => egress.inc({ reason }),
    upstreamAnswered: (host, durationMs) => durations(host).observe(durationMs / 1000),
    upstreamFailedOver: (host) => failovers.inc({ host: hosts(host) }),
  };
}

type ReplayMetrics = Pick<Metrics, 'watchReplayBuffer' | 'replayed' | 'replaySkipped'>;

function replayMetrics(registers: Registry[]): ReplayMetrics {
  let readBufferBytes: (() => number) | undefined;
  readGauge(
    registers,
    'wechat_sidecar_replay_buffer_bytes',
    'Request bodies kept for a replay.',
    () => readBufferBytes?.() ?? 0,
  );
  const replays = new Counter({
    name: 'wechat_sidecar_replays_total',
    help: 'Calls sent again with a fresh token, by the errcode that asked for it and what came of it.',
    labelNames: ['app', 'errcode', 'outcome'],
    registers,
  });
  const skipped = new Counter({
    name: 'wechat_sidecar_replays_skipped_total',
    help: 'Calls with a refused token that were not sent again.',
    labelNames: ['app', 'reason'],
    registers,
  });
  const apps = boundedLabels(APPS_MAX);
  return {
    watchReplayBuffer: (read) => void (readBufferBytes = read),
    replayed: (app, errcode, outcome) =>
      replays.inc({ app: apps(app), errcode: errcodeLabel(errcode), outcome }),
    replaySkipped: (app, reason) => skipped.inc({ app: apps(app), reason }),
  };
}

type TokenMetrics = Pick<
  Metrics,
  | 'foreignTokenRefused'
  | 'tokenRefreshed'
  | 'tokenFetchFailed'
  | 'tokenLookedInto'
  | 'tokenRationed'
  | 'tokenExpiresAt'
  | 'tokenGone'
>;

function tokenMetrics(registers: Registry[]): TokenMetrics {
  const foreign = new Counter({
    name: 'wechat_sidecar_foreign_token_refusals_total',
    help: 'Calls with a token that is not managed here which the platform refused.',
    labelNames: ['app'],
    registers,
  });
  const refreshes = new Counter({
    name: 'wechat_sidecar_token_refreshes_total',
    help: 'Refreshes of a token, by what set them off and what came of them.',
    labelNames: ['app', 'trigger', 'result'],
    registers,
  });
  const failures = new Counter({
    name: 'wechat_sidecar_token_fetch_failures_total',
    help: 'Calls to the token endpoint that gave no token; errcode none: not reached, or no readable answer.',
    labelNames: ['app', 'errcode'],
    registers,
  });
  const looks = new Counter({
    name: 'wechat_sidecar_token_looks_total',
    help: 'Questions to the platform about a token that callers reported as refused, by what they found.',
    labelNames: ['app', 'outcome'],
    registers,
  });
  const rationed = new Gauge({
    name: 'wechat_sidecar_token_rationed',
    help: 'Whether a refused token has to wait for its successor, because no more refreshes are allowed now.',
    labelNames: ['app'],
    registers,
  });
  const expires = new Gauge({
    name: 'wechat_sidecar_token_expires_timestamp_seconds',
    help: 'When the current token ends, as Unix time.',
    labelNames: ['app'],
    registers,
  });
  const apps = boundedLabels(APPS_MAX);
  return {
    foreignTokenRefused: (app) => foreign.inc({ app: apps(app ?? 'none') }),
    tokenRefreshed: (app, trigger, result) => refreshes.inc({ app: apps(app), trigger, result }),
    tokenFetchFailed: (app, errcode) => failures.inc({ app: apps(app), errcode: errcodeLabel(errcode) }),
    tokenLookedInto: (app, outcome) => looks.inc({ app: apps(app), outcome }),
    tokenRationed: (app, isRationed) => rationed.set({ app: apps(app) }, isRationed ? 1 : 0),
    tokenExpiresAt: (app, unixMs) => expires.set({ app: apps(app) }, unixMs / 1000),
    tokenGone(app) {
      expires.remove({ app: apps(app) });
      rationed.remove({ app: apps(app) });
    },
  };
}

type InjectionMetrics = Pick<Metrics, 'podReviewed' | 'webhookTrustRepaired' | 'watchWebhookCertificate'>;

function injectionMetrics(registers: Registry[]): InjectionMetrics {
  const reviews = new Counter({
    name: 'wechat_sidecar_injections_total',
    help: 'Pods that the API server showed to the injector, by what became of them.',
    labelNames: ['result', 'reason'],
    registers,
  });
  const repairs = new Counter({
    name: 'wechat_sidecar_webhook_trust_repairs_total',
    help: 'Times that somebody changed the caBundle of the webhook configuration and it was put back.',
    registers,
  });
  let readExpiryMs: (() => number | undefined) | undefined;
  readGauge(
    registers,
    'wechat_sidecar_webhook_certificate_expires_timestamp_seconds',
    'When the certificate of the webhook ends, as Unix time.',
    () => {
      const expiresMs = readExpiryMs?.();
      return expiresMs === undefined ? undefined : expiresMs / 1000;
    },
  );
  return {
    podReviewed: (result, reason) => reviews.inc({ result, reason }),
    webhookTrustRepaired: () => repairs.inc(),
    watchWebhookCertificate: (read) => void (readExpiryMs = read),
  };
}

type HubMetrics = Pick<Metrics, 'hubAnswered' | 'watchHubWatchers'>;

function hubMetrics(registers: Registry[]): HubMetrics {
  let readWatchers: (() => number) | undefined;
  // Without a sample if there is no hub.
  readGauge(registers, 'wechat_sidecar_hub_watchers', 'Streams of tokens that are open.', () =>
    readWatchers?.(),
  );
  const answers = new Counter({
    name: 'wechat_sidecar_hub_requests_total',
    help: "Calls of the hub's API, by the status that they were answered with.",
    labelNames: ['call', 'status'],
    registers,
  });
  return {
    hubAnswered: (call, status) => answers.inc({ call, status: statusLabel(status) }),
    watchHubWatchers: (read) => void (readWatchers = read),
  };
}

/** A gauge that costs nothing until the page is requested, and has no sample as long as `read` returns undefined. */
function readGauge(registers: Registry[], name: string, help: string, read: () => number | undefined): Gauge {
  return new Gauge({
    name,
    help,
    registers,
    collect() {
      const value = read();
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

function statusLabel(status: number): string {
  return status in STATUS_CODES ? String(status) : 'other';
}
