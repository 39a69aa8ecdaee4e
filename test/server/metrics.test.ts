import test from 'ava';
import { hubMetrics } from '../../src/hub/metrics.ts';
import { proxyMetrics } from '../../src/proxy/metrics.ts';
import { routeMetrics } from '../../src/roles/platform-route-metrics.ts';
import { connectionMetrics } from '../../src/server/connection-metrics.ts';
import { makeMetrics } from '../../src/server/metrics.ts';
import { seriesOf } from '../support/metrics-page.ts';

const build = { version: '1.2.3', role: 'proxy', node: 'v24.0.0' };

test('the metrics of every role have the names and the labels that the documentation gives', async (t) => {
  const metrics = makeMetrics(build);
  metrics.of(routeMetrics).failedOver('api.weixin.qq.com');
  metrics.of(routeMetrics).egressProxyFailed('timeout');
  metrics.of(connectionMetrics).cutBy('admin')('idle');
  const lines = (await metrics.page()).split('\n');
  for (const line of [
    'wechat_sidecar_upstream_failovers_total{host="api.weixin.qq.com"} 1',
    'wechat_sidecar_egress_proxy_failures_total{reason="timeout"} 1',
    'wechat_sidecar_connections_cut_total{listener="admin",reason="idle"} 1',
    'wechat_sidecar_build_info{version="1.2.3",role="proxy",node="v24.0.0"} 1',
  ]) {
    t.true(lines.includes(line), line);
  }
});

test('ten thousand hosts give a bounded number of series', async (t) => {
  const metrics = makeMetrics(build);
  for (let n = 0; n < 10_000; n += 1) metrics.of(routeMetrics).failedOver(`host${n}.example.com`);
  t.is((await seriesOf(metrics, 'wechat_sidecar_upstream_failovers_total')).length, 51);
});

test('process metrics are there, but none that works while nobody asks', async (t) => {
  const page = await makeMetrics(build).page();
  t.regex(page, /^process_cpu_seconds_total /m);
  t.regex(page, /^process_resident_memory_bytes /m);
  t.regex(page, /^nodejs_eventloop_utilization /m);
  t.notRegex(page, /eventloop_lag|_gc_/);
});

test('two roles with metrics of their own count apart', async (t) => {
  const [one, two] = [makeMetrics(build), makeMetrics({ ...build, role: 'hub' })];
  for (const metrics of [one, one, two]) metrics.of(proxyMetrics);
  one.of(proxyMetrics).replaySkipped('shop', 'held');
  const name = 'wechat_sidecar_replays_skipped_total';
  t.deepEqual(await seriesOf(one, name), [`${name}{app="shop",reason="held"} 1`]);
  t.deepEqual(await seriesOf(two, name), []);
});

test('a restarted role replaces the metrics of the first, as in a demo whose port is in use', async (t) => {
  const metrics = makeMetrics({ version: '1', role: 'demo', node: 'v20' });
  for (const watchers of [1, 2]) {
    metrics.of(hubMetrics).watchWatchers(() => watchers);
    metrics.of(proxyMetrics).watchReplayBuffer(() => watchers);
    t.regex(await metrics.page(), new RegExp(`^wechat_sidecar_hub_watchers ${watchers}$`, 'm'));
    t.regex(await metrics.page(), new RegExp(`^wechat_sidecar_replay_buffer_bytes ${watchers}$`, 'm'));
  }
});
