import test from 'ava';
import { DEMO_APP } from '../../../src/simulator/accounts.ts';
import { standInFor } from '../../../src/wechat/stand-in.ts';
import { ORDERS_KEY, REPORTS_KEY, startHubPair, startTestHub } from '../../support/hub.ts';
import { type RunningHubProxy, startHubProxy, until } from '../../support/hub-proxy.ts';
import type { RunningSimulator } from '../../support/simulator.ts';

const { appid } = DEMO_APP;
const PATH = '/cgi-bin/getcallbackip';
/** An address at which nothing listens. */
const NOBODY = 'http://127.0.0.1:9';

interface Status {
  readonly defaultApp: string | null;
  readonly watch: { readonly state: string; readonly host?: string };
  readonly accounts: readonly { readonly appid: string; readonly fingerprint?: string }[];
}

function statusOf(proxy: RunningHubProxy): Status {
  return proxy.role.status() as Status;
}

function fingerprintIn(proxy: RunningHubProxy, of = appid): string | undefined {
  return statusOf(proxy).accounts.find((account) => account.appid === of)?.fingerprint;
}

async function answerOf(proxy: RunningHubProxy, path = PATH): Promise<Record<string, unknown>> {
  return (await (await fetch(proxy.base + path)).json()) as Record<string, unknown>;
}

/** Forced and ordinary fetches at the platform's token endpoint. */
function fetchesAt({ control }: RunningSimulator): number {
  const { stableFetches = 99, forcedFetches = 99 } = control.counters().apps[appid] ?? {};
  return stableFetches + forcedFetches;
}

function callsAt({ control }: RunningSimulator, errcode: number): number {
  return control.arrivals({ path: PATH }).filter((arrival) => arrival.errcode === errcode).length;
}

test('calls get the token of a hub, and the only account is the default one', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  const answer = await fetch(proxy.base + PATH);
  t.is(answer.headers.get('x-wechat-sidecar'), `0.0.0-test; app=${appid}; replay=0`);
  t.true('ip_list' in ((await answer.json()) as object));
  t.is(statusOf(proxy).defaultApp, appid);
  t.deepEqual(
    proxy.role.ready.map((check) => check.run()),
    [undefined],
  );
  const page = await proxy.metrics.page();
  t.regex(page, /^wechat_sidecar_token_expires_timestamp_seconds\{app="wx0000000000000demo"\} [1-9]/m);
  t.notRegex(page, /^wechat_sidecar_token_refreshes_total\{/m);
});

test('a new token is in every sidecar within a second of its issue', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const proxies = await Promise.all(
    [1, 2, 3, 4, 5].map(() => startHubProxy(t, [simulator.origin], [hub.base])),
  );
  await until(() => proxies.every((proxy) => fingerprintIn(proxy) !== undefined));
  const before = fingerprintIn(proxies[0] as RunningHubProxy);
  simulator.control.overwrite();
  const [first, ...others] = proxies as [RunningHubProxy, ...RunningHubProxy[]];
  t.true('ip_list' in (await answerOf(first)));
  const after = fingerprintIn(first);
  t.not(after, before);
  const waitedMs = await until(() => others.every((proxy) => fingerprintIn(proxy) === after));
  t.true(waitedMs < 1_000, `${waitedMs} ms`);
  for (const proxy of others) t.true('ip_list' in (await answerOf(proxy)));
  t.is(callsAt(simulator, 40001), 1);
});
