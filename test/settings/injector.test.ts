import test from 'ava';
import { makeTestCertificate } from '../support/certificates.ts';
import { ACCOUNT, problemsOf, settingsOf, type Given } from '../support/settings-source.ts';

const IMAGE = { WECHAT_INJECTOR_IMAGE: 'registry.example.com/wechat-sidecar:0.1.0' };
const AUTHORITY = (await makeTestCertificate('authority')).cert.trim();

function injector(env: Record<string, string>, files: Given['files'] = {}): Given {
  return { role: 'injector', env: { ...IMAGE, ...env }, files };
}

test('an injector requires only the image', (t) => {
  t.deepEqual(problemsOf({ role: 'injector' }), [
    'no image: set WECHAT_INJECTOR_IMAGE (injector.image) to the image that pods are to get',
  ]);
  t.like(settingsOf(injector({})), {
    listen: { host: '0.0.0.0', port: 3883 },
    injector: {
      namespace: 'wechat-sidecar',
      service: 'wechat-sidecar-injector',
      secret: 'wechat-sidecar-injector-certificate',
      webhookConfiguration: 'wechat-sidecar-injector',
      sidecar: {
        image: IMAGE.WECHAT_INJECTOR_IMAGE,
        imagePullPolicy: undefined,
        mode: 'auto',
        hubUrls: ['http://wechat-sidecar-hub.wechat-sidecar.svc:3882'],
        hubCaPem: undefined,
        port: 3880,
        adminPort: 3881,
        memoryRequest: '64Mi',
        memoryLimit: '128Mi',
        cpuLimit: undefined,
        runAsUser: 65_532,
      },
    },
  });
});

test('the user can be left to the image, and the CA of the hub is read from its file', (t) => {
  const { sidecar } = settingsOf(
    injector(
      { WECHAT_INJECTOR_RUN_AS_USER: 'image', WECHAT_INJECTOR_HUB_CA_FILE: '/ca.pem' },
      { '/ca.pem': AUTHORITY },
    ),
  ).injector;
  t.is(sidecar.runAsUser, undefined);
  t.is(sidecar.hubCaPem, `${AUTHORITY}\n`);
});

test('a private key in the CA file is refused, because many can read the annotations of pods', (t) => {
  const key = `${AUTHORITY}\n-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----`;
  const problems = problemsOf(injector({ WECHAT_INJECTOR_HUB_CA_FILE: '/ca.pem' }, { '/ca.pem': key }));
  t.is(problems.length, 1);
  t.regex(problems[0] ?? '', /accepted is one or more certificates \(PEM\) and no key/);
});

test('a file without a certificate is refused, and so are more than fit into an annotation', (t) => {
  const of = (text: string): readonly string[] =>
    problemsOf(injector({ WECHAT_INJECTOR_HUB_CA_FILE: '/ca.pem' }, { '/ca.pem': text }));
  t.regex(
    of(`${AUTHORITY}\n${AUTHORITY.replace('MII', 'AAA')}`).join(),
    /accepted is one or more certificates/,
  );
  t.regex(
    of(`${AUTHORITY}\n`.repeat(400)).join(),
    /an annotation can have 131072: use injector\.caConfigMap/,
  );
});

test('CAs come from an annotation or from a ConfigMap, whose key can be set', (t) => {
  const caConfigMap = (text: string): unknown =>
    settingsOf(injector({ WECHAT_INJECTOR_CA_CONFIG_MAP: text })).injector.sidecar.caConfigMap;
  t.deepEqual(caConfigMap('company-ca'), { name: 'company-ca', key: 'ca.crt' });
  t.deepEqual(caConfigMap('company-ca/bundle.pem'), { name: 'company-ca', key: 'bundle.pem' });
  t.is(problemsOf(injector({ WECHAT_INJECTOR_CA_CONFIG_MAP: 'a/b/c' })).length, 1);
  const both = { WECHAT_INJECTOR_CA_CONFIG_MAP: 'company-ca', WECHAT_INJECTOR_HUB_CA_FILE: '/ca.pem' };
  t.deepEqual(problemsOf(injector(both, { '/ca.pem': AUTHORITY })), [
    'WECHAT_INJECTOR_HUB_CA_FILE: is set beside injector.caConfigMap: sidecars take one of them',
  ]);
});

test('annotations are locked by name, with or without the prefix', (t) => {
  const { sidecar } = settingsOf(
    injector({ WECHAT_INJECTOR_LOCKED_ANNOTATIONS: 'image, wechat-sidecar.io/hub-url' }),
  ).injector;
  t.deepEqual(sidecar.lockedAnnotations, ['image', 'hub-url']);
  t.regex(
    problemsOf(injector({ WECHAT_INJECTOR_LOCKED_ANNOTATIONS: 'images' })).join(),
    /got "images", accepted is one of app, apps,/,
  );
});

test('a value that an API server would refuse in every pod is a problem', (t) => {
  const problems = problemsOf(
    injector({
      WECHAT_INJECTOR_MEMORY_REQUEST: '1Gi',
      WECHAT_INJECTOR_CPU_REQUEST: '2',
      WECHAT_INJECTOR_CPU_LIMIT: '500m',
      WECHAT_INJECTOR_PORT: '4000',
      WECHAT_INJECTOR_ADMIN_PORT: '4000',
    }),
  );
  t.deepEqual(problems, [
    'WECHAT_INJECTOR_CPU_REQUEST: 2 is more than the limit, 500m',
    'WECHAT_INJECTOR_MEMORY_REQUEST: 1Gi is more than the limit, 128Mi',
    'WECHAT_INJECTOR_PORT: is the admin port of sidecars too, 4000',
  ]);
  for (const [name, text] of [
    ['WECHAT_INJECTOR_RUN_AS_USER', '0'],
    ['WECHAT_INJECTOR_MEMORY_LIMIT', '256'],
    ['WECHAT_INJECTOR_IMAGE', 'an image'],
    ['WECHAT_INJECTOR_MODE', 'sidecar'],
  ] as const) {
    t.is(problemsOf(injector({ [name]: text })).length, 1, name);
  }
  t.regex(
    problemsOf(injector({ WECHAT_INJECTOR_MOD: 'auto' })).join(),
    /did you mean WECHAT_INJECTOR_MODE\?/,
  );
});

test('the variable that the injector sets for business programs does not disturb our commands', (t) => {
  t.deepEqual(problemsOf({ env: { ...ACCOUNT, WECHAT_SIDECAR_URL: 'http://127.0.0.1:3880' } }), []);
});

test('a proxy can be limited to some accounts of its hub', (t) => {
  const env = {
    WECHAT_SIDECAR_HUB_URL: 'http://hub:3882',
    WECHAT_SIDECAR_HUB_TOKEN_FILE: '/token',
    WECHAT_SIDECAR_HUB_APPS: 'wx1, wx2',
  };
  t.deepEqual(settingsOf({ env }).hub?.apps, ['wx1', 'wx2']);
});

test('the egress proxy of sidecars has a password only if it comes from a Secret', (t) => {
  const sidecarOf = (env: Record<string, string>) => settingsOf(injector(env)).injector.sidecar;
  t.like(sidecarOf({ WECHAT_INJECTOR_EGRESS_PROXY: 'http://squid:3128/' }), {
    egressProxy: 'http://squid:3128',
  });
  t.like(sidecarOf({ WECHAT_INJECTOR_EGRESS_PROXY: 'none' }), { egressProxy: 'none' });
  t.like(sidecarOf({ WECHAT_INJECTOR_EGRESS_PROXY_SECRET: 'egress' }), {
    egressProxySecret: { name: 'egress', key: 'url' },
  });
  t.deepEqual(problemsOf(injector({ WECHAT_INJECTOR_EGRESS_PROXY: 'http://u:hunter22@squid:3128' })), [
    'WECHAT_INJECTOR_EGRESS_PROXY: got a value of 28 characters, accepted is none, or http://host:port without user and password',
  ]);
  const both = { WECHAT_INJECTOR_EGRESS_PROXY: 'none', WECHAT_INJECTOR_EGRESS_PROXY_SECRET: 'egress/url' };
  t.deepEqual(problemsOf(injector(both)), [
    'WECHAT_INJECTOR_EGRESS_PROXY: is set beside injector.egressProxySecret: sidecars take one of them',
  ]);
});
