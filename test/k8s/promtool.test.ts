import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { startApiServer } from '../support/api-server.ts';
import { until } from '../support/hub-proxy.ts';
import { startTestInjector } from '../support/injector.ts';
import { startPair } from '../support/proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { missingTools, runTool } from './support/tools.ts';

const missing = missingTools('promtool');
const withPromtool = missing === undefined ? test : test.skip;
const because = missing === undefined ? '' : ` (skipped: ${missing})`;

interface PrometheusRule {
  spec: { groups: { rules: { alert: string }[] }[] };
}

const rule = parse(readFileSync('k8s/components/monitoring/alerts.yaml', 'utf8')) as PrometheusRule;

withPromtool(`the alerts are what Prometheus reads, and sound when they should${because}`, async (t) => {
  const folder = temporaryFolder(t);
  const rules = join(folder, 'rules.yaml');
  writeFileSync(rules, stringify(rule.spec));
  copyFileSync('test/k8s/alerts.yaml', join(folder, 'alerts.yaml'));
  const checked = await runTool('promtool', ['check', 'rules', rules]);
  t.is(checked.code, 0, checked.out + checked.err);
  const tested = await runTool('promtool', ['test', 'rules', join(folder, 'alerts.yaml')]);
  t.is(tested.code, 0, tested.out + tested.err);
});

test('every alert is tested', (t) => {
  const tried = readFileSync('test/k8s/alerts.yaml', 'utf8');
  // Some are named together: Wechat(Hub|Injector)Down.
  const patterns = [...tried.matchAll(/alertname(?:=~?"|: )(Wechat[^"\s]+)/g)].map((match) =>
    String(match[1]),
  );
  for (const { alert } of rule.spec.groups.flatMap(({ rules }) => rules)) {
    t.true(
      patterns.some((pattern) => new RegExp(`^(?:${pattern})$`).test(alert)),
      alert,
    );
  }
});

withPromtool(`the pages of a sidecar and of an injector are what Prometheus wants${because}`, async (t) => {
  const { proxy } = await startPair(t);
  await until(async () => (await fetch(`${proxy.base}/cgi-bin/get_api_domain_ip`)).ok);
  const injector = await startTestInjector(t, await startApiServer(t));
  await until(() => injector.problem() === undefined);
  for (const page of [await proxy.metrics.page(), await injector.metricsPage()]) {
    t.regex(page, /wechat_sidecar_build_info/);
    const { code, out, err } = await runTool('promtool', ['check', 'metrics'], page);
    // What prom-client says of the process itself is not ours to name.
    const about = `${out}${err}`.split('\n').filter((line) => line.includes('wechat_sidecar'));
    t.deepEqual(about, []);
    t.true(code === 0 || code === 3, err);
  }
});
