import test from 'ava';
import type { AnsweredCall } from '../../src/server/counted.ts';
import { makeMetrics, type Metrics } from '../../src/server/metrics.ts';

const build = { version: '1.2.3', role: 'proxy', node: 'v24.0.0' };

function call(over: Partial<AnsweredCall>): AnsweredCall {
  return {
    app: 'shop',
    path: '/cgi-bin/user/info',
    status: 200,
    errcode: 0,
    answeredBy: 'platform',
    durationMs: 40,
    ...over,
  };
}

/** The series of one metric, without comments. */
async function series(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.page())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

test('every metric has the documented name and labels', async (t) => {
  const metrics = makeMetrics(build);
  metrics.callAnswered(call({}));
  metrics.upstreamAnswered('api.weixin.qq.com', 30);
  metrics.upstreamFailedOver('api.weixin.qq.com');
  metrics.replayed('shop', 42001, 'recovered');
  metrics.replaySkipped('shop', 'body_too_large');
  metrics.tokenRefreshed('shop', 'startup', 'renewed');
  metrics.tokenFetchFailed('shop', 40164);
  metrics.tokenFetchFailed('shop', undefined);
  metrics.tokenExpiresAt('shop', 1_700_000_000_500);
  const page = await metrics.page();
  for (const line of [
    'wechat_sidecar_requests_total{app="shop",endpoint="/cgi-bin/user/info",status="200",errcode="0"} 1',
    'wechat_sidecar_request_duration_seconds_bucket{le="0.05",app="shop"} 1',
    'wechat_sidecar_request_duration_seconds_sum{app="shop"} 0.04',
    'wechat_sidecar_upstream_duration_seconds_count{host="api.weixin.qq.com"} 1',
    'wechat_sidecar_requests_in_flight 0',
    'wechat_sidecar_replay_buffer_bytes 0',
    'wechat_sidecar_replays_total{app="shop",errcode="42001",outcome="recovered"} 1',
    'wechat_sidecar_replays_skipped_total{app="shop",reason="body_too_large"} 1',
    'wechat_sidecar_token_refreshes_total{app="shop",trigger="startup",result="renewed"} 1',
    'wechat_sidecar_token_fetch_failures_total{app="shop",errcode="40164"} 1',
    'wechat_sidecar_token_fetch_failures_total{app="shop",errcode="none"} 1',
    'wechat_sidecar_token_expires_timestamp_seconds{app="shop"} 1700000000.5',
    'wechat_sidecar_upstream_failovers_total{host="api.weixin.qq.com"} 1',
    'wechat_sidecar_build_info{version="1.2.3",role="proxy",node="v24.0.0"} 1',
  ]) {
    t.true(page.split('\n').includes(line), line);
  }
});

test('process metrics exist, but none that costs anything between scrapes', async (t) => {
  const page = await makeMetrics(build).page();
  t.regex(page, /^process_cpu_seconds_total /m);
  t.regex(page, /^process_resident_memory_bytes /m);
  t.regex(page, /^nodejs_eventloop_utilization /m);
  t.notRegex(page, /eventloop_lag|_gc_/);
});

test('calls in flight and kept bytes are read when the page is requested', async (t) => {
  const metrics = makeMetrics(build);
  metrics.callStarted();
  metrics.callStarted();
  metrics.callEnded();
  let bytes = 10;
  metrics.watchReplayBuffer(() => bytes);
  bytes = 4096;
  t.deepEqual(await series(metrics, 'wechat_sidecar_requests_in_flight'), [
    'wechat_sidecar_requests_in_flight 1',
  ]);
  t.deepEqual(await series(metrics, 'wechat_sidecar_replay_buffer_bytes'), [
    'wechat_sidecar_replay_buffer_bytes 4096',
  ]);
});

test('two roles in one process count separately', async (t) => {
  const [one, two] = [makeMetrics(build), makeMetrics({ ...build, role: 'hub' })];
  one.callAnswered(call({}));
  t.is((await series(one, 'wechat_sidecar_requests_total')).length, 1);
  t.is((await series(two, 'wechat_sidecar_requests_total')).length, 0);
});

test('ten thousand paths, errcodes, accounts, hosts and statuses cause a bounded number of series', async (t) => {
  const metrics = makeMetrics(build);
  for (let n = 0; n < 10_000; n += 1) {
    metrics.callAnswered(call({ path: `/wxa/${n.toString(36)}/o6_bmjrPTlm6_2sgVt7hMZ${n}` }));
    metrics.callAnswered(
      call({ path: `/wxa/${String(n).replaceAll(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)))}` }),
    );
    metrics.callAnswered(call({ errcode: 100_000 + n }));
    metrics.callAnswered(call({ status: n, answeredBy: 'sidecar' }));
    metrics.callAnswered(call({ app: `wx${n}` }));
    metrics.upstreamAnswered(`host${n}.example.com`, 1);
    metrics.upstreamFailedOver(`host${n}.example.com`);
    metrics.tokenFetchFailed('shop', -n);
  }
  const lines = (await metrics.page()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const perName = new Map<string, number>();
  for (const line of lines) {
    const name = line.replace(/[{ ].*$/, '');
    perName.set(name, (perName.get(name) ?? 0) + 1);
  }
  t.true((perName.get('wechat_sidecar_requests_total') ?? 0) <= 700);
  t.true((perName.get('wechat_sidecar_upstream_failovers_total') ?? 0) <= 51);
  t.is(perName.get('wechat_sidecar_request_duration_seconds_count'), 501);
  t.true(lines.length < 12_000, String(lines.length));
});

test('even if every label is legitimate, the number of combinations is bounded', async (t) => {
  const metrics = makeMetrics(build);
  const codes = [0, 40001, 40013, 40014, 41001, 42001, 45009, 45011, 48001, 61004];
  for (let n = 0; n < 400; n += 1) {
    for (const errcode of codes) {
      metrics.callAnswered(call({ app: `app${n}`, errcode }));
      metrics.callAnswered(call({ app: `app${n}`, errcode, path: '/cgi-bin/user/get' }));
    }
  }
  const found = await series(metrics, 'wechat_sidecar_requests_total');
  t.true(found.length <= 5_000 + 400, String(found.length));
  const total = found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  t.is(total, 400 * codes.length * 2);
});

test('a removed account has no expiry metric', async (t) => {
  const metrics = makeMetrics(build);
  metrics.tokenExpiresAt('shop', 1_000);
  metrics.tokenGone('shop');
  t.deepEqual(await series(metrics, 'wechat_sidecar_token_expires_timestamp_seconds'), []);
});

test('nothing that a caller sends gets onto the page', async (t) => {
  const metrics = makeMetrics(build);
  for (let n = 0; n < 30; n += 1) {
    metrics.callAnswered(call({ path: '/cgi-bin/user/info?access_token=canary_token&openid=canary_openid' }));
    metrics.callAnswered(call({ path: '/canary_openid_oABCdefGHIjkl' }));
  }
  t.notRegex(await metrics.page(), /canary/);
});

test('a restarted role replaces the metrics of the first, as in a demo whose port is in use', async (t) => {
  const metrics = makeMetrics({ version: '1', role: 'demo', node: 'v20' });
  t.notRegex(await metrics.page(), /^wechat_sidecar_hub_watchers /m);
  for (const watchers of [1, 2]) {
    metrics.watchHubWatchers(() => watchers);
    metrics.watchReplayBuffer(() => watchers);
    t.regex(await metrics.page(), new RegExp(`^wechat_sidecar_hub_watchers ${watchers}$`, 'm'));
    t.regex(await metrics.page(), new RegExp(`^wechat_sidecar_replay_buffer_bytes ${watchers}$`, 'm'));
  }
});
