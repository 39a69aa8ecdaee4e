import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { parse, parseAllDocuments } from 'yaml';
import { restrictedFaults } from '../support/pod-security.ts';
import { CHART, type Choice, chartOf, CHOICES, helmTemplate, settingsOf } from './support/chart.ts';
import { missingTools, runTool } from './support/tools.ts';

/**
 * The chart and the kustomizations are two ways to the same objects. Whoever changes one of them is told
 * here what the other lacks.
 */
const missing = missingTools('helm', 'kubectl');
const withBoth = missing === undefined ? test : test.skip;
const because = missing === undefined ? '' : ` (skipped: ${missing})`;

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

withBoth(`helm finds nothing to say against the chart${because}`, async (t) => {
  for (const { values } of CHOICES) {
    const { code, out, err } = await runTool('helm', ['lint', '--strict', ...settingsOf(values), CHART]);
    t.is(code, 0, out + err);
    t.notRegex(out, /\[(?:WARNING|ERROR)\]/);
  }
});

for (const choice of CHOICES) {
  const { kustomization } = choice;
  withBoth(`the chart and ${kustomization} give the same objects${because}`, async (t) => {
    const [chart, kustomize] = [await template(choice), await kustomized(t, kustomization)];
    t.true(kustomize.size > 15);
    t.deepEqual([...chart.keys()].toSorted(), [...kustomize.keys()].toSorted());
    for (const [name, manifest] of kustomize) t.deepEqual(chart.get(name), manifest, name);
  });

  withBoth(`the pods of the chart are "restricted", as those of ${kustomization}${because}`, async (t) => {
    const pods = [...(await template(choice)).values()].flatMap(({ spec }) => {
      const { template: pod } = (spec ?? {}) as { template?: { spec?: unknown } };
      return pod?.spec === undefined ? [] : [pod];
    });
    t.true(pods.length >= 2);
    for (const pod of pods) t.deepEqual(restrictedFaults(pod), []);
  });
}

withBoth(`every object of the chart has the labels that tools go by${because}`, async (t) => {
  const out = await helmTemplate('shop', settingsOf(CHOICES.at(-1)?.values ?? []));
  for (const { kind, metadata } of manifests(out)) {
    const { labels = {} } = metadata;
    for (const label of ['name', 'instance', 'component', 'version', 'part-of', 'managed-by']) {
      t.truthy(labels[`app.kubernetes.io/${label}`], `${kind} ${metadata.name} ${label}`);
    }
    t.is(labels['app.kubernetes.io/instance'], 'shop');
    t.truthy(labels['helm.sh/chart']);
  }
});

withBoth(`another name and namespace go through the whole chart${because}`, async (t) => {
  const where = ['--namespace', 'team', '--set', 'fullnameOverride=tokens'];
  const all = ['redis.enabled', 'certManager.enabled', 'monitoring.enabled', 'hub.clients.enabled'];
  for (const chosen of [['simulator.enabled'], all]) {
    const values = chosen.map((value) => `${value}=true`);
    const out = await helmTemplate('any', [...where, ...settingsOf(values)]);
    t.regex(out, /value: "https?:\/\/tokens-hub\.team\.svc:3882"/);
    t.regex(out, /value: tokens-injector-certificate/);
    for (const { metadata, kind } of manifests(out)) {
      if (kind !== 'Secret' || metadata.name !== 'wechat-sidecar-appsecrets')
        t.regex(metadata.name, /^tokens/);
    }
    t.notRegex(
      out,
      /wechat-sidecar\.svc|wechat-sidecar-(?:hub|injector|redis|simulator)\.|namespace: wechat-sidecar/,
    );
  }
});

withBoth(
  `a value that does not exist is refused, and so are hubs that share nothing${because}`,
  async (t) => {
    for (const [value, words] of [
      ['hub.replica=2', /replica/],
      ['hub.replicas=0', /replicas/],
      ['image.digest=abc', /digest/],
      ['hub.replicas=2', /needs a store that the hubs share/],
    ] as const) {
      const { code, err } = await runTool('helm', ['template', 'x', CHART, '--set', value]);
      t.not(code, 0, value);
      t.regex(err, words);
    }
  },
);

test('every value is described in the schema, and nothing else is', (t) => {
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema;
  compare(t, parse(readFileSync(`${CHART}/values.yaml`, 'utf8')), schema, 'values');
});

test('the chart has the version of the package', (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  t.like(parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')), { version, appVersion: version });
});

interface Schema {
  readonly description?: string;
  readonly additionalProperties?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
}

function compare(t: ExecutionContext, value: unknown, schema: Schema, path: string): void {
  t.truthy(schema.description, path);
  if (schema.additionalProperties !== false) return;
  const known = Object.keys(schema.properties ?? {}).filter((key) => key !== 'global');
  t.deepEqual(Object.keys(value as object).toSorted(), known.toSorted(), path);
  for (const [key, inner] of Object.entries(value as object)) {
    compare(t, inner, schema.properties?.[key] ?? {}, `${path}.${key}`);
  }
}

async function template(choice: Choice): Promise<Map<string, Manifest>> {
  return byName(await chartOf(choice));
}

async function kustomized(t: ExecutionContext, folder: string): Promise<Map<string, Manifest>> {
  const { code, out, err } = await runTool('kubectl', ['kustomize', folder]);
  t.is(code, 0, err);
  const all = byName(out);
  // Helm makes the namespace itself, if it is asked to.
  t.true(all.delete('Namespace wechat-sidecar'));
  return all;
}

function manifests(text: string): Manifest[] {
  // As Kubernetes reads YAML: 0444 is octal.
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => document.toJS() as Manifest | null)
    .filter((it) => it !== null);
}

function byName(text: string): Map<string, Manifest> {
  const all = manifests(text).map(plain);
  return new Map(all.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest]));
}

/** Labels of the installation, by which nothing is selected. Of an object itself all such labels are left out. */
const OF_THE_INSTALLATION = [
  'app.kubernetes.io/version',
  'app.kubernetes.io/part-of',
  'app.kubernetes.io/managed-by',
  'helm.sh/chart',
];
/** Lists in which the order says nothing, by the field that names an item. */
const UNORDERED = new Set(['env', 'volumes', 'volumeMounts']);

/** Without what may differ: labels of the installation, the order of named items, the layout of settings. */
function plain(manifest: Manifest): Manifest {
  const settled = settle(manifest, '') as Manifest;
  const { labels = {}, ...named } = settled.metadata;
  const others = Object.entries(labels).filter(([name]) => !name.startsWith('app.kubernetes.io/'));
  const metadata = { ...named, labels: Object.fromEntries(others) };
  const { ['settings.yaml']: file, ...data } = (settled['data'] ?? {}) as Record<string, string>;
  if (file === undefined) return { ...settled, metadata };
  return { ...settled, metadata, data: { ...data, settings: parse(file) as unknown } };
}

function settle(value: unknown, key: string): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => settle(item, '')) as { name: string }[];
    return UNORDERED.has(key) ? items.toSorted((a, b) => a.name.localeCompare(b.name)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([name]) => key !== 'labels' || !OF_THE_INSTALLATION.includes(name))
    .map(([name, inner]) => [name, settle(inner, name)] as const);
  return Object.fromEntries(entries);
}
