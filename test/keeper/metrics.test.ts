import test from 'ava';
import { countingObserver } from '../../src/keeper/metrics.ts';
import { makeMetrics } from '../../src/server/metrics.ts';
import { seriesOf } from '../support/metrics-page.ts';

const build = { version: '1.2.3', role: 'hub', node: 'v24.0.0' };

test('every metric has the name and the labels that the documentation gives', async (t) => {
  const metrics = makeMetrics(build);
  const observer = countingObserver(metrics);
  observer.refreshed({ appid: 'shop', trigger: 'startup', result: 'renewed' });
  observer.fetchFailed({ appid: 'shop', errcode: 40164 });
  observer.fetchFailed({ appid: 'shop', errcode: undefined });
  observer.looked({ appid: 'shop', outcome: 'accepted' });
  observer.rationed({ appid: 'shop', isRationed: true });
  observer.tokenChanged({ appid: 'shop', fingerprint: 'f', expiresAtUnixMs: 1_700_000_000_500 });
  const lines = (await metrics.page()).split('\n');
  for (const line of [
    'wechat_sidecar_token_refreshes_total{app="shop",trigger="startup",result="renewed"} 1',
    'wechat_sidecar_token_fetch_failures_total{app="shop",errcode="40164"} 1',
    'wechat_sidecar_token_fetch_failures_total{app="shop",errcode="none"} 1',
    'wechat_sidecar_token_looks_total{app="shop",outcome="accepted"} 1',
    'wechat_sidecar_token_rationed{app="shop"} 1',
    'wechat_sidecar_token_expires_timestamp_seconds{app="shop"} 1700000000.5',
  ]) {
    t.true(lines.includes(line), line);
  }
});

test('ten thousand errcodes and accounts give a bounded number of series', async (t) => {
  const metrics = makeMetrics(build);
  const observer = countingObserver(metrics);
  for (let n = 0; n < 10_000; n += 1) {
    observer.fetchFailed({ appid: 'shop', errcode: -n });
    observer.looked({ appid: `wx${n}`, outcome: 'failed' });
  }
  t.true((await seriesOf(metrics, 'wechat_sidecar_token_fetch_failures_total')).length <= 700);
  // 500 accounts, of which `shop` is one, and `other`.
  t.is((await seriesOf(metrics, 'wechat_sidecar_token_looks_total')).length, 500);
});

test('an account that is gone shows no end of its token, and waits for none', async (t) => {
  const metrics = makeMetrics(build);
  const observer = countingObserver(metrics);
  observer.tokenChanged({ appid: 'shop', fingerprint: 'f', expiresAtUnixMs: 1_000 });
  observer.rationed({ appid: 'shop', isRationed: true });
  observer.gone('shop');
  t.deepEqual(await seriesOf(metrics, 'wechat_sidecar_token_expires_timestamp_seconds'), []);
  t.deepEqual(await seriesOf(metrics, 'wechat_sidecar_token_rationed'), []);
});
