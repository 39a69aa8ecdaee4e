import { existsSync, readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import test from 'ava';
import { parse as parseYaml } from 'yaml';
import { settingsSchema } from '../../src/settings/schema.ts';
import { ACCOUNT, parse } from '../support/settings-source.ts';
import { renderJsonSchema } from '../support/settings-json-schema.ts';

const FILE = 'settings.schema.json';

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

const TEXT = renderJsonSchema();
const validate: ValidateFunction = new Ajv({ allowUnionTypes: true }).compile(JSON.parse(TEXT) as object);

/** What an editor says of a file in YAML. */
function said(yaml: string): string {
  validate(parseYaml(yaml) ?? {});
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('\n');
}

(existsSync(FILE) ? test : test.skip)(
  `${FILE} is up to date (scripts/readme-settings.mjs writes it)`,
  (t) => {
    t.is(readFileSync(FILE, 'utf8'), TEXT);
  },
);

test('each setting of the file is in the schema, with its meaning and what is accepted', (t) => {
  for (const { key, accepted } of settingsSchema().settings) {
    if (key === '') continue;
    const steps = key.replaceAll('[]', '.[]').split('.');
    const node = steps.reduce<Node | undefined>(below, JSON.parse(TEXT) as Node);
    t.true(node?.description?.includes(accepted), key);
  }
});

function below(node: Node | undefined, step: string): Node | undefined {
  const mapping = [node, ...(node?.anyOf ?? [])].find((one) => one?.properties ?? one?.items);
  return step === '[]' ? mapping?.items : mapping?.properties?.[step];
}

for (const path of [
  'deploy/compose/hub/settings/hub.yaml',
  'k8s/base/hub-settings.yaml',
  'k8s/overlays/dev/hub-settings.yaml',
]) {
  (existsSync(path) ? test : test.skip)(`${path} is valid`, (t) => {
    t.is(said(readFileSync(path, 'utf8')), '');
  });
}

const GOOD: readonly string[] = [
  '',
  'apps:\nclients: ~\nhub:\n',
  'store: memory',
  'store: redis://redis:6379/0',
  'store: { url: "rediss://:pw@mymaster/1", sentinels: [a:1, "b:2"], cluster: false, keyPrefix: "x:" }',
  'hub: https://hub',
  'hub: { url: [https://hub-a:3882, https://hub-b:3882], tokenFile: /token, apps: "wx1, wx2" }',
  'upstreams: https://a.example, https://b.example',
  'denyPaths: [/cgi-bin/clear_quota*]\nlogLevel: debug\nresolve: dns',
  'timeouts: { connect: 1.5s, answer: 2m }\nlimits: { inFlight: 7 }\nreplay: { bodyLimit: 1MiB, memoryLimit: 2MB }',
  'simulator: { seed: 3, tls: true, tokenLife: 9s }\ninjector: { port: 4000, runAsUser: image, cpuLimit: 0.5 }',
  'injector: { lockedAnnotations: [image, wechat-sidecar.io/hub-url], caConfigMap: a/b, runAsUser: 1000 }',
  'kubernetes: { allow: [{ namespace: n, serviceAccount: "*", apps: ["*"], may: [tokens, refresh] }] }',
  `clients: [{ name: a, keySha256: ${'ab'.repeat(32)}, apps: ["*"], jssdk: { allowedUrlHosts: a.example } }]`,
];

test('the schema accepts what the program accepts', (t) => {
  for (const yaml of GOOD) {
    for (const role of ['proxy', 'hub', 'injector', 'simulator'] as const) {
      const env = role === 'injector' ? { WECHAT_INJECTOR_IMAGE: 'x' } : role === 'simulator' ? {} : ACCOUNT;
      const parsed = parse({ role, env, yaml });
      const isAccepted =
        parsed.kind === 'ok' || parsed.problems.every((line) => !line.includes('accepted is'));
      t.true(isAccepted, `${role}: ${yaml}`);
    }
    t.is(said(yaml), '', yaml);
  }
});

test('a misspelt key, a text in place of a list, and a value that is not one of the choices are reported', (t) => {
  t.regex(said('errorStaus: http'), /additional properties/);
  t.regex(said('replay: { bodylimit: 1MiB }'), /^\/replay .*additional properties/);
  t.regex(said('apps: abc'), /^\/apps must be array/);
  t.regex(said('apps: [{ appid: "x y" }]'), /^\/apps\/0\/appid must match pattern/);
  t.regex(said('errorStatus: teapot'), /^\/errorStatus must be equal to one of/);
  t.regex(said('drainTimeout: 30'), /^\/drainTimeout must be string/);
  t.regex(said('replay: { bodyLimit: "20" }'), /^\/replay\/bodyLimit must match pattern/);
  t.regex(said('kubernetes: { allow: [{ may: [token] }] }'), /may\/0 must be equal to one of/);
  t.regex(said('limits: { inFlight: 0 }'), /^\/limits\/inFlight must be >= 1/);
});
