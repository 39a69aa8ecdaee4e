import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, parseAllDocuments } from 'yaml';
import { ANNOTATIONS } from '../../src/kubernetes/annotations.ts';
import { INJECT_PATH } from '../../src/injector/webhook.ts';
import { settingsSchema } from '../../src/settings/schema.ts';
import { injectorMetrics } from '../../src/injector/metrics.ts';
import { countingObserver } from '../../src/keeper/metrics.ts';
import { proxyMetrics } from '../../src/proxy/metrics.ts';
import { routeMetrics } from '../../src/roles/platform-route-metrics.ts';
import { makeMetrics } from '../../src/server/metrics.ts';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: Record<string, string>;
}

const MONITORING = 'k8s/components/monitoring';

function yamlFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name));
}

/** All manifests and documents for installers, as text: templates are not YAML. */
const WRITTEN = ['k8s', 'charts', 'deploy'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:yaml|txt|tpl|service|md)$/.test(name))
    .map((name) => join(folder, name)),
);

function objectsIn(path: string): Record<string, unknown>[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map(
    (document) => document.toJS() as Record<string, unknown>,
  );
}

function rules(): Rule[] {
  const { spec } = parse(readFileSync(`${MONITORING}/alerts.yaml`, 'utf8')) as {
    spec: { groups: { rules: Rule[] }[] };
  };
  return spec.groups.flatMap((group) => group.rules);
}

function dashboardQueries(): string[] {
  const { panels, templating } = JSON.parse(readFileSync(`${MONITORING}/dashboard.json`, 'utf8')) as {
    panels: { targets?: { expr: string }[] }[];
    templating: { list: { query: string | { query: string } }[] };
  };
  const variables = templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]));
  return [...panels.flatMap((panel) => panel.targets?.map(({ expr }) => expr) ?? []), ...variables];
}

/** Our metrics by name, with the labels of each. */
async function shownMetrics(): Promise<Map<string, Set<string>>> {
  const metrics = makeMetrics({ version: '1', role: 'demo', node: 'v1' });
  const proxy = metrics.of(proxyMetrics);
  proxy.callAnswered({
    app: 'a',
    path: '/',
    status: 200,
    errcode: 0,
    answeredBy: 'platform',
    durationMs: 1,
  });
  proxy.upstreamAnswered('h', 1);
  proxy.replayed('a', 40001, 'recovered');
  proxy.replaySkipped('a', 'memory_limit');
  const observer = countingObserver(metrics);
  observer.refreshed({ appid: 'a', trigger: 'ahead', result: 'renewed' });
  observer.fetchFailed({ appid: 'a', errcode: undefined });
  observer.tokenChanged({ appid: 'a', fingerprint: 'f', expiresAtUnixMs: 1 });
  const route = metrics.of(routeMetrics);
  route.failedOver('h');
  route.egressProxyFailed('refused');
  const injector = metrics.of(injectorMetrics);
  injector.podReviewed('injected', 'none');
  injector.watchCertificate(() => 1);
  const shown = new Map<string, Set<string>>();
  for (const [, name, labels] of (await metrics.page()).matchAll(/^(\w+)(?:\{([^}]*)\})? /gm)) {
    const names = [...(labels ?? '').matchAll(/(\w+)="/g)].map((match) => String(match[1]));
    shown.set(String(name), new Set(names));
  }
  return shown;
}

/** Added by Prometheus itself. */
const TARGET_LABELS = ['job', 'namespace', 'pod'];

test('every query in the alerts and the dashboard uses existing metrics and labels', async (t) => {
  const shown = await shownMetrics();
  const queries = [...rules().map(({ expr }) => expr), ...dashboardQueries()];
  t.true(queries.length > 25);
  for (const query of queries) {
    const used = [...query.matchAll(/\b(wechat_sidecar_\w+)(?:\{([^}]*)\})?/g)];
    const known = new Set(TARGET_LABELS);
    for (const [, name, selector] of used) {
      const labels = shown.get(String(name));
      t.truthy(labels, `${name} in ${query}`);
      for (const label of labels ?? []) known.add(label);
      for (const [, label] of (selector ?? '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)) {
        t.true(
          labels?.has(String(label)) === true || TARGET_LABELS.includes(String(label)),
          `${label} in ${query}`,
        );
      }
    }
    for (const [, list] of query.matchAll(/\bby \(([^)]*)\)/g)) {
      for (const label of String(list).split(/,\s*/)) t.true(known.has(label), `${label} in ${query}`);
    }
  }
});

test('an unknown metric or label would be found', async (t) => {
  const shown = await shownMetrics();
  t.false(shown.has('wechat_sidecar_request_total'));
  t.deepEqual([...(shown.get('wechat_sidecar_replays_total') ?? [])].toSorted(), [
    'app',
    'errcode',
    'outcome',
  ]);
});

test('every alert says what to do, and uses labels that exist', (t) => {
  for (const { alert, expr, labels, annotations } of rules()) {
    t.regex(alert, /^Wechat/);
    t.regex(labels.severity, /^(?:critical|warning|info)$/);
    for (const part of ['summary', 'description', 'runbook']) t.truthy(annotations[part], `${alert} ${part}`);
    for (const [, label] of (annotations['summary'] ?? '').matchAll(/\$labels\.(\w+)/g)) {
      t.true(expr.includes(String(label)), `${alert} shows ${label}`);
    }
  }
});

test('the table of annotations in k8s/README.md matches the parser', (t) => {
  const rows = [...readFileSync('k8s/README.md', 'utf8').matchAll(/^\| `wechat-sidecar\.io\/(.+)$/gm)].map(
    (match) =>
      String(match[1])
        .split('|')
        .map((cell) => cell.trim().replace(/`$/, ''))
        .slice(0, 3)
        .join(' | '),
  );
  t.deepEqual(
    rows,
    ANNOTATIONS.map(({ name, accepted, meaning }) => `${name} | ${accepted} | ${meaning}`),
  );
});

test('every annotation and label of ours in an example or a document exists', (t) => {
  const written = ['inject', 'injected', 'status', 'hub-ca', 'hub-access'];
  const known = [...ANNOTATIONS.map(({ name }) => name), ...written];
  for (const path of WRITTEN) {
    for (const [, name] of readFileSync(path, 'utf8').matchAll(/(?<![\w.])wechat-sidecar\.io\/([\w-]*\w)/g)) {
      t.true(known.includes(String(name)), `${name} in ${path}`);
    }
  }
});

test('every variable of ours in a manifest or a document is a setting', (t) => {
  const known = new Set(settingsSchema().settings.flatMap((row) => row.env ?? []));
  for (const path of WRITTEN) {
    for (const [name] of readFileSync(path, 'utf8').matchAll(/\bWECHAT_[A-Z_]+/g)) {
      t.true(
        known.has(name) || name === 'WECHAT_SIDECAR_URL' || name === 'WECHAT_BASE',
        `${name} in ${path}`,
      );
    }
  }
});

test('only the kustomizations name our image, with the version of the package', (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const base = parse(readFileSync('k8s/base/kustomization.yaml', 'utf8')) as {
    images: { name: string; newTag: string }[];
    labels: { pairs: Record<string, string> }[];
  };
  t.deepEqual(
    base.images.map(({ name, newTag }) => [name, newTag]),
    [['wechat-sidecar', version]],
  );
  t.is(base.labels[0]?.pairs['app.kubernetes.io/version'], version);
  // Without it the simulator would run whatever is tagged `latest`.
  const dev = parse(readFileSync('k8s/overlays/dev/kustomization.yaml', 'utf8')) as typeof base;
  t.deepEqual(dev.images as unknown, [{ name: 'wechat-sidecar', newTag: version }]);
  for (const path of yamlFiles('k8s')) {
    for (const [, image] of readFileSync(path, 'utf8').matchAll(
      /^\s*(?:- )?image: (\S*wechat-sidecar\S*)/gm,
    )) {
      t.is(image, 'wechat-sidecar', path);
    }
  }
});

test('the webhook cannot block pods that did not ask for a sidecar, and is called where it listens', (t) => {
  const [configuration] = objectsIn('k8s/base/webhook.yaml') as unknown as [
    {
      webhooks: {
        clientConfig: Record<string, unknown> & { service: { path: string } };
        [field: string]: unknown;
      }[];
    },
  ];
  t.is(configuration.webhooks.length, 1);
  const webhook = configuration.webhooks[0];
  t.false('caBundle' in (webhook?.clientConfig ?? {}));
  t.is(webhook?.clientConfig.service.path, INJECT_PATH);
  t.deepEqual(webhook?.['objectSelector'], {
    matchExpressions: [
      { key: 'wechat-sidecar.io/inject', operator: 'Exists' },
      { key: 'wechat-sidecar.io/inject', operator: 'NotIn', values: ['false'] },
    ],
  });
  t.like(webhook, {
    failurePolicy: 'Fail',
    sideEffects: 'None',
    reinvocationPolicy: 'IfNeeded',
    timeoutSeconds: 5,
  });
});

test('pod labels alone do not open the hub, except in the development overlay', (t) => {
  interface Policy {
    metadata: { name: string };
    spec: {
      podSelector: { matchLabels?: Record<string, string> };
      ingress?: { from?: { namespaceSelector?: object; podSelector?: object }[]; ports: object[] }[];
    };
  }
  const policies = yamlFiles('k8s')
    .flatMap(objectsIn)
    .filter(({ kind, spec }) => kind === 'NetworkPolicy' && spec !== undefined) as unknown as Policy[];
  const ofHub = policies.filter(
    ({ spec }) => spec.podSelector.matchLabels?.['app.kubernetes.io/component'] === 'hub',
  );
  t.deepEqual(ofHub.map(({ metadata }) => metadata.name).toSorted(), [
    'wechat-sidecar-hub',
    'wechat-sidecar-hub-clients',
  ]);
  for (const { metadata, spec } of ofHub) {
    for (const { from = [{}] } of spec.ingress ?? []) {
      for (const { namespaceSelector = {} } of from) {
        t.regex(JSON.stringify(namespaceSelector), /hub-access/, metadata.name);
      }
    }
  }
});

test('no RBAC rule of ours grants more than one named object, except for token reviews', (t) => {
  const roles = yamlFiles('k8s')
    .flatMap(objectsIn)
    .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole') as unknown as {
    metadata: { name: string };
    rules: { resources: string[]; verbs: string[]; resourceNames?: string[] }[];
  }[];
  t.is(roles.filter(({ rules: granted }) => granted !== undefined).length, 3);
  for (const { metadata, rules: granted } of roles) {
    for (const { resources, verbs, resourceNames } of granted ?? []) {
      t.false([...resources, ...verbs].includes('*'), metadata.name);
      const isReview = resources.join() === 'tokenreviews' && verbs.join() === 'create';
      t.true(isReview || resourceNames?.length === 1, metadata.name);
    }
  }
});
