import { errcodeLabel } from '../wechat/errcode-labels.ts';
import { APPS_MAX, boundedLabels, HOSTS_MAX, perLabel, statusLabel } from '../server/metric-labels.ts';
import type { MetricRegistry } from '../server/metrics.ts';
import type { Tally } from '../server/tally-histogram.ts';
import { makeEndpointLabels } from './endpoint-labels.ts';

/** The metrics of calls. Durations are passed in milliseconds and shown in seconds. */
export interface ProxyMetrics extends CallMetrics, ReplayMetrics {
  upstreamAnswered(host: string, durationMs: number): void;
  /** The platform refused a foreign token; `app` is absent if the call named no account. */
  foreignTokenRefused(app: string | undefined): void;
}

interface CallMetrics {
  callStarted(): void;
  /** Once for every `callStarted`, whatever the outcome. */
  callEnded(): void;
  callAnswered(call: AnsweredCall): void;
}

interface ReplayMetrics {
  replayed(app: string, errcode: number, outcome: ReplayOutcome): void;
  replaySkipped(app: string, reason: ReplaySkipReason): void;
  /** `read` returns the bytes of all kept bodies; called when the page is requested. */
  watchReplayBuffer(read: () => number): void;
}

/** One answered call of a business program. */
export interface AnsweredCall {
  /** The appid, or its name in the settings; absent if the call named no known account. */
  readonly app: string | undefined;
  /** Without the query. */
  readonly path: string;
  readonly status: number;
  /** The platform's (before any change for the caller) or that of our own error; absent if there was none. */
  readonly errcode: number | undefined;
  /** Our own errors say nothing about whether a path exists. */
  readonly answeredBy: 'platform' | 'sidecar';
  readonly durationMs: number;
}

/** `recovered`: the replay was accepted; `refused`: its token was refused too; `failed`: it got no response. */
type ReplayOutcome = 'recovered' | 'refused' | 'failed';

export type ReplaySkipReason =
  | 'body_too_large'
  | 'memory_limit'
  | 'caller_left'
  /** The path is refused although the platform accepts the token, found just now or a while ago. */
  | 'accepted'
  | 'held'
  /** The next token is not available yet. */
  | 'waiting'
  | 'rationed'
  | 'unavailable'
  /** Another call to the path has succeeded since. */
  | 'succeeded_since';

/** Series of requests_total; beyond it, a call counts under endpoint and errcode `other`. */
export const REQUEST_SERIES_MAX = 5_000;
/** A path that the platform does not have: "invalid url", with HTTP status 200. */
const UNKNOWN_PATH_ERRCODE = 40066;

export function proxyMetrics(registry: MetricRegistry): ProxyMetrics {
  return {
    ...callMetrics(registry),
    ...upstreamMetrics(registry),
    ...replayMetrics(registry),
    ...foreignTokenMetrics(registry),
  };
}

interface RequestSeries {
  readonly labels: Readonly<Record<'app' | 'endpoint' | 'status' | 'errcode', string>>;
  /** Calls that have not been passed on to the counter yet. */
  uncounted: number;
}

/** The series of an account's last call to an endpoint with its own label; the next call is usually the same. */
interface Recent {
  readonly app: string | undefined;
  readonly path: string;
  readonly status: number;
  readonly errcode: number | undefined;
  readonly requests: RequestSeries;
  readonly durations: Tally;
}

function callMetrics(registry: MetricRegistry): CallMetrics {
  let inFlight = 0;
  registry.readGauge({
    name: 'wechat_sidecar_requests_in_flight',
    help: 'Calls from business programs in progress.',
    read: () => inFlight,
  });
  const seriesOf = requestSeries(registry);
  const durations = perLabel(
    APPS_MAX,
    registry.durations({
      name: 'wechat_sidecar_request_duration_seconds',
      help: 'Time from the arrival of a call to the end of its response.',
      labelNames: ['app'],
    }),
  );
  const apps = boundedLabels(APPS_MAX);
  const endpoints = makeEndpointLabels();
  /** By account and endpoint. */
  const recents = new Map<string | undefined, Map<string, Recent>>();
  let recentsCount = 0;
  let last: Recent | undefined;
  return {
    callStarted: () => void (inFlight += 1),
    callEnded: () => void (inFlight -= 1),
    callAnswered(call) {
      const recent =
        last?.path === call.path && last.app === call.app ? last : recents.get(call.app)?.get(call.path);
      if (recent?.status === call.status && recent.errcode === call.errcode) {
        recent.requests.uncounted += 1;
        recent.durations.observe(call.durationMs / 1000);
        last = recent;
        return;
      }
      const app = apps(call.app ?? 'none');
      const served =
        call.answeredBy === 'platform' && call.status < 300 && call.errcode !== UNKNOWN_PATH_ERRCODE;
      const endpoint = endpoints.labelOf(call.path, served);
      const requests = seriesOf(app, endpoint, statusLabel(call.status), errcodeLabel(call.errcode));
      requests.uncounted += 1;
      const tally = durations(app);
      tally.observe(call.durationMs / 1000);
      const { status, errcode } = call;
      if (endpoint !== call.path || app !== call.app) return;
      const ofApp = recents.get(app) ?? new Map<string, Recent>();
      if (!ofApp.has(endpoint) && recentsCount++ >= REQUEST_SERIES_MAX) return;
      last = { app, path: endpoint, status, errcode, requests, durations: tally };
      recents.set(app, ofApp.set(endpoint, last));
    },
  };
}

type SeriesOf = (app: string, endpoint: string, status: string, errcode: string) => RequestSeries;

/** Counted here and passed on when the page is requested: prom-client builds a string of all labels per count. */
function requestSeries(registry: MetricRegistry): SeriesOf {
  const series = new Map<string, RequestSeries>();
  const requests = registry.counter({
    name: 'wechat_sidecar_requests_total',
    help: 'Calls from business programs, by account, endpoint, response status and errcode.',
    labelNames: ['app', 'endpoint', 'status', 'errcode'],
    collect() {
      for (const each of series.values()) {
        requests.inc(each.labels, each.uncounted);
        each.uncounted = 0;
      }
    },
  });
  return function seriesOf(app, endpoint, status, errcode) {
    const key = `${app} ${endpoint} ${status} ${errcode}`;
    const known = series.get(key);
    if (known !== undefined) return known;
    const isOver = series.size >= REQUEST_SERIES_MAX && (endpoint !== 'other' || errcode !== 'other');
    if (isOver) return seriesOf(app, 'other', status, 'other');
    const created = { labels: { app, endpoint, status, errcode }, uncounted: 0 };
    series.set(key, created);
    return created;
  };
}

function upstreamMetrics(registry: MetricRegistry): Pick<ProxyMetrics, 'upstreamAnswered'> {
  const durations = perLabel(
    HOSTS_MAX,
    registry.durations({
      name: 'wechat_sidecar_upstream_duration_seconds',
      help: 'Time from sending a call to the platform to the head of its response.',
      labelNames: ['host'],
    }),
  );
  return { upstreamAnswered: (host, durationMs) => durations(host).observe(durationMs / 1000) };
}

function replayMetrics(registry: MetricRegistry): ReplayMetrics {
  let readBufferBytes: (() => number) | undefined;
  registry.readGauge({
    name: 'wechat_sidecar_replay_buffer_bytes',
    help: 'Bytes of request bodies kept for a replay.',
    read: () => readBufferBytes?.() ?? 0,
  });
  const replays = registry.counter({
    name: 'wechat_sidecar_replays_total',
    help: 'Calls sent again with a new token, by the errcode of the refusal and the outcome.',
    labelNames: ['app', 'errcode', 'outcome'],
  });
  const skipped = registry.counter({
    name: 'wechat_sidecar_replays_skipped_total',
    help: 'Calls with a refused token that were not sent again, by reason.',
    labelNames: ['app', 'reason'],
  });
  const apps = boundedLabels(APPS_MAX);
  return {
    watchReplayBuffer: (read) => void (readBufferBytes = read),
    replayed: (app, errcode, outcome) =>
      replays.inc({ app: apps(app), errcode: errcodeLabel(errcode), outcome }),
    replaySkipped: (app, reason) => skipped.inc({ app: apps(app), reason }),
  };
}

function foreignTokenMetrics(registry: MetricRegistry): Pick<ProxyMetrics, 'foreignTokenRefused'> {
  const refusals = registry.counter({
    name: 'wechat_sidecar_foreign_token_refusals_total',
    help: 'Calls with a foreign token (one that is not managed here) that the platform refused.',
    labelNames: ['app'],
  });
  const apps = boundedLabels(APPS_MAX);
  return { foreignTokenRefused: (app) => refusals.inc({ app: apps(app ?? 'none') }) };
}
