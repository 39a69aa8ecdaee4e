import test from 'ava';
import type { EgressProxy } from '../../src/upstream/egress-proxy.ts';
import {
  ACCOUNT,
  parse,
  problemsOf,
  settingsOf,
  warningsOf,
  type Given,
} from '../support/settings-source.ts';

function given(env: Record<string, string>, files: Given['files'] = {}): Given {
  return { env: { ...ACCOUNT, ...env }, files };
}

function proxyOf(env: Record<string, string>, files: Given['files'] = {}): EgressProxy | undefined {
  return settingsOf(given(env, files)).egressProxy;
}

test('an egress proxy is read from the environment, the file, or a file of its own', (t) => {
  t.is(proxyOf({}), undefined);
  const plain = { hostname: 'squid', port: 3128, credentials: undefined, noProxy: '' };
  const WECHAT_SIDECAR_EGRESS_PROXY = 'http://Squid:3128/';
  t.deepEqual(proxyOf({ WECHAT_SIDECAR_EGRESS_PROXY }), { ...plain, from: 'WECHAT_SIDECAR_EGRESS_PROXY' });
  t.deepEqual(settingsOf({ env: ACCOUNT, yaml: 'egressProxy: http://squid:3128' }).egressProxy, {
    ...plain,
    from: 'egressProxy (shop.yaml:1)',
  });
  const secret = proxyOf(
    { WECHAT_SIDECAR_EGRESS_PROXY_FILE: '/p' },
    { '/p': 'http://u%40x:p%3Aw%20@[fd00::1]\n' },
  );
  t.like(secret, { hostname: 'fd00::1', port: 80, from: 'WECHAT_SIDECAR_EGRESS_PROXY_FILE' });
  t.is(secret?.credentials?.reveal(), 'u@x:p:w ');
  const at = proxyOf({ WECHAT_SIDECAR_EGRESS_PROXY: 'http://u:p@ss/w#rd@squid:1' });
  t.is(at?.credentials?.reveal(), 'u:p@ss/w#rd');
});

test('an invalid proxy is refused without showing its password', (t) => {
  for (const [text, problem] of [
    ['https://u:hunter22@squid:3128', /https:\/\/ is not the scheme of one/],
    ['socks5://u:hunter22@squid:3128', /socks5:\/\/ is not the scheme of one/],
    ['squid:3128', /accepted is none, or http:/],
    ['http://u:hunter22%@squid:3128', /are written %40, %25 and %2F/],
    ['http://u:hunter22%00@squid:3128', /accepted is none, or http:/],
    ['http://u%3A:hunter22@squid:3128', /accepted is none, or http:/],
    ['http://u:hunter22@squid:65536', /accepted is none/],
    ['http://u:hunter22@squid:0', /accepted is none/],
    ['http://u:hunter22@squid:3128/path', /accepted is none/],
    ['http://u:hunter22@[squid]:3128', /accepted is none/],
  ] as const) {
    for (const one of [
      given({ WECHAT_SIDECAR_EGRESS_PROXY: text }),
      given({ WECHAT_SIDECAR_EGRESS_PROXY_FILE: '/p' }, { '/p': text }),
      { env: ACCOUNT, yaml: `egressProxy: ${JSON.stringify(text)}` },
    ]) {
      const problems = problemsOf(one);
      t.is(problems.length, 1, text);
      t.regex(problems.join(), problem);
      t.notRegex(problems.join(), /hunter|squid/);
    }
  }
  t.deepEqual(
    problemsOf(given({ WECHAT_SIDECAR_EGRESS_PROXY: 'none', WECHAT_SIDECAR_EGRESS_PROXY_FILE: '/p' })),
    [
      'WECHAT_SIDECAR_EGRESS_PROXY: both this and WECHAT_SIDECAR_EGRESS_PROXY_FILE are given: keep one of the two',
    ],
  );
});

test('the standard proxy variables are the default, the lower-case ones first, together with NO_PROXY', (t) => {
  const inherited = proxyOf({
    HTTPS_PROXY: 'http://big:1',
    https_proxy: 'small:2',
    no_proxy: 'a',
    NO_PROXY: 'b',
  });
  t.deepEqual(inherited, {
    hostname: 'small',
    port: 2,
    credentials: undefined,
    noProxy: 'a',
    from: 'https_proxy',
  });
  t.like(proxyOf({ HTTPS_PROXY: 'http://big:1', https_proxy: '', NO_PROXY: 'b' }), {
    hostname: 'big',
    noProxy: 'b',
    from: 'HTTPS_PROXY',
  });
  t.is(proxyOf({ HTTP_PROXY: 'http://big:1', ALL_PROXY: 'http://big:1' }), undefined);
  const set = { HTTPS_PROXY: 'http://big:1', NO_PROXY: '*' };
  t.like(proxyOf({ ...set, WECHAT_SIDECAR_EGRESS_PROXY: 'http://own:2' }), { hostname: 'own', noProxy: '' });
  t.is(proxyOf({ ...set, WECHAT_SIDECAR_EGRESS_PROXY: 'none' }), undefined);
});

test('an inherited value that cannot be used is a warning that does not show it, and calls leave directly', (t) => {
  for (const text of ['socks5://u:hunter22@squid:1', 'http://u:hunter22%@squid:1', 'http://']) {
    const env = { HTTPS_PROXY: text };
    t.is(proxyOf(env), undefined);
    const warnings = warningsOf(given(env));
    t.is(warnings.length, 1);
    t.regex(warnings.join(), /^HTTPS_PROXY: got a value of \d+ characters, .*leave directly/);
    t.notRegex(warnings.join(), /hunter|squid/);
  }
});

test('only roles that call the platform have an egress proxy', (t) => {
  const env = { WECHAT_INJECTOR_IMAGE: 'a', HTTPS_PROXY: 'http://u:p@squid:1' };
  for (const role of ['injector', 'simulator', 'demo', 'shutdown'] as const) {
    const parsed = parse({ role, env });
    t.is(parsed.kind === 'ok' ? parsed.settings.egressProxy : null, undefined, role);
  }
  t.like(settingsOf({ role: 'hub', env: { ...ACCOUNT, ...env } }).egressProxy, { hostname: 'squid' });
});

test('our own listener, under any name, is not accepted as an egress proxy', (t) => {
  for (const [listen, proxy, isOwn] of [
    ['localhost:3880', 'http://localhost:3880', true],
    ['localhost:3880', 'http://127.0.0.1:3880', true],
    ['localhost:3880', 'http://[::1]:3880', true],
    ['127.0.0.1:3880', 'http://0.0.0.0:3880', true],
    ['localhost:3880', 'http://localhost:3881', true],
    ['localhost:3880', 'http://localhost:443', true],
    ['localhost:3880', 'http://localhost:3128', false],
    ['localhost:3880', 'http://squid:3880', false],
  ] as const) {
    const env = {
      WECHAT_SIDECAR_LISTEN: listen,
      WECHAT_SIDECAR_TRANSPARENT_LISTEN: 'localhost:443',
    };
    const refused = problemsOf(given({ ...env, WECHAT_SIDECAR_EGRESS_PROXY: proxy }));
    t.is(refused.length, isOwn ? 1 : 0, proxy);
    const inherited = given({ ...env, HTTPS_PROXY: proxy });
    t.is(settingsOf(inherited).egressProxy === undefined, isOwn, proxy);
    t.is(warningsOf(inherited).length, isOwn ? 1 : 0);
  }
});
