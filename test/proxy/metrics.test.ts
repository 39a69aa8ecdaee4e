import test from 'ava';
import { type AnsweredCall, proxyMetrics, type ProxyMetrics } from '../../src/proxy/metrics.ts';
import { makeMetrics, type Metrics } from '../../src/server/metrics.ts';
import { seriesOf } from '../support/metrics-page.ts';

interface Counting {
  readonly page: Metrics;
  readonly metrics: ProxyMetrics;
}

function start(): Counting {
  const page = makeMetrics({ version: '1.2.3', role: 'proxy', node: 'v24.0.0' });
  return { page, metrics: page.of(proxyMetrics) };
}

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

test('every metric has the name and the labels that the documentation gives', async (t) => {
  const { page, metrics } = start();
  metrics.callAnswered(call({}));
  metrics.upstreamAnswered('api.weixin.qq.com', 30);
  metrics.replayed('shop', 42001, 'recovered');
  metrics.replaySkipped('shop', 'body_too_large');
  metrics.foreignTokenRefused(undefined);
  const lines = (await page.page()).split('\n');
  for (const line of [
    'wechat_sidecar_requests_total{app="shop",endpoint="/cgi-bin/user/info",status="200",errcode="0"} 1',
    'wechat_sidecar_request_duration_seconds_bucket{le="0.05",app="shop"} 1',
    'wechat_sidecar_request_duration_seconds_sum{app="shop"} 0.04',
    'wechat_sidecar_upstream_duration_seconds_count{host="api.weixin.qq.com"} 1',
    'wechat_sidecar_requests_in_flight 0',
    'wechat_sidecar_replay_buffer_bytes 0',
    'wechat_sidecar_replays_total{app="shop",errcode="42001",outcome="recovered"} 1',
    'wechat_sidecar_replays_skipped_total{app="shop",reason="body_too_large"} 1',
    'wechat_sidecar_foreign_token_refusals_total{app="none"} 1',
  ]) {
    t.true(lines.includes(line), line);
  }
});

test('calls in flight and kept bytes are read when the page is asked for', async (t) => {
  const { page, metrics } = start();
  metrics.callStarted();
  metrics.callStarted();
  metrics.callEnded();
  let bytes = 10;
  metrics.watchReplayBuffer(() => bytes);
  bytes = 4096;
  t.deepEqual(await seriesOf(page, 'wechat_sidecar_requests_in_flight'), [
    'wechat_sidecar_requests_in_flight 1',
  ]);
  t.deepEqual(await seriesOf(page, 'wechat_sidecar_replay_buffer_bytes'), [
    'wechat_sidecar_replay_buffer_bytes 4096',
  ]);
});

test('ten thousand paths, errcodes, accounts, hosts and statuses give a bounded number of series', async (t) => {
  const { page, metrics } = start();
  for (let n = 0; n < 10_000; n += 1) {
    metrics.callAnswered(call({ path: `/wxa/${n.toString(36)}/o6_bmjrPTlm6_2sgVt7hMZ${n}` }));
    metrics.callAnswered(
      call({ path: `/wxa/${String(n).replaceAll(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)))}` }),
    );
    metrics.callAnswered(call({ errcode: 100_000 + n }));
    metrics.callAnswered(call({ status: n, answeredBy: 'sidecar' }));
    metrics.callAnswered(call({ app: `wx${n}` }));
    metrics.upstreamAnswered(`host${n}.example.com`, 1);
  }
  const lines = (await page.page()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const perName = new Map<string, number>();
  for (const line of lines) {
    const name = line.replace(/[{ ].*$/, '');
    perName.set(name, (perName.get(name) ?? 0) + 1);
  }
  t.true((perName.get('wechat_sidecar_requests_total') ?? 0) <= 700);
  t.is(perName.get('wechat_sidecar_upstream_duration_seconds_count'), 51);
  t.is(perName.get('wechat_sidecar_request_duration_seconds_count'), 501);
  t.true(lines.length < 12_000, String(lines.length));
});

test('where every label is legitimate, the product of them is bounded all the same', async (t) => {
  const { page, metrics } = start();
  const codes = [0, 40001, 40013, 40014, 41001, 42001, 45009, 45011, 48001, 61004];
  for (let n = 0; n < 400; n += 1) {
    for (const errcode of codes) {
      metrics.callAnswered(call({ app: `app${n}`, errcode }));
      metrics.callAnswered(call({ app: `app${n}`, errcode, path: '/cgi-bin/user/get' }));
    }
  }
  const found = await seriesOf(page, 'wechat_sidecar_requests_total');
  t.true(found.length <= 5_000 + 400, String(found.length));
  const total = found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  t.is(total, 400 * codes.length * 2);
});

test('nothing that a caller sends gets onto the page', async (t) => {
  const { page, metrics } = start();
  for (let n = 0; n < 30; n += 1) {
    metrics.callAnswered(call({ path: '/cgi-bin/user/info?access_token=canary_token&openid=canary_openid' }));
    metrics.callAnswered(call({ path: '/canary_openid_oABCdefGHIjkl' }));
  }
  t.notRegex(await page.page(), /canary/);
});
