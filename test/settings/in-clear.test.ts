import test from 'ava';
import { ACCOUNT, warningsOf } from '../support/settings-source.ts';

const hubWarnings = (...urls: string[]): string[] =>
  warningsOf({
    env: { WECHAT_SIDECAR_HUB_URL: urls.join(), WECHAT_SIDECAR_HUB_TOKEN_FILE: '/token' },
  }).filter((line) => line.includes('in clear'));

test('a hub over plain HTTP on another machine causes a warning for each of its addresses', (t) => {
  for (const url of [
    'http://hub:3882',
    'http://10.0.0.5:3882',
    'http://hub.example',
    'http://[2001:db8::1]',
  ]) {
    const [warning = '', ...others] = hubWarnings(url);
    t.deepEqual(others, []);
    t.true(warning.startsWith(`WECHAT_SIDECAR_HUB_URL: ${url} is not encrypted: `), warning);
    t.regex(
      warning,
      /credential of this sidecar and every token travel in clear; give the hub tls\.certFile/,
    );
  }
  t.is(hubWarnings('http://a:1', 'https://b:1', 'http://c:1').length, 2);
});

test('within a cluster the warning says what to do there', (t) => {
  for (const name of ['wechat-sidecar-hub.wechat-sidecar.svc', 'hub.ns.svc.cluster.local']) {
    t.regex(
      hubWarnings(`http://${name}:3882`).join(),
      /in clear within the cluster.*components\/cert-manager/,
    );
  }
});

test('a hub over https, or on loopback, causes no warning', (t) => {
  for (const url of ['https://hub', 'http://localhost:3882', 'http://127.0.0.1:3882', 'http://[::1]:3882']) {
    t.deepEqual(hubWarnings(url), [], url);
  }
});

test('an injector that sends sidecars to a hub over plain HTTP causes one warning', (t) => {
  const said = (env: Record<string, string>): string =>
    warningsOf({ role: 'injector', env: { WECHAT_INJECTOR_IMAGE: 'x', ...env } }).join('\n');
  t.regex(
    said({}),
    /^injector\.hubUrl: http:\/\/wechat-sidecar-hub\S+ is not encrypted: the credential of each sidecar/,
  );
  t.is(said({ WECHAT_INJECTOR_HUB_URL: 'https://hub.example' }), '');
  t.regex(
    said({ WECHAT_INJECTOR_HUB_URL: 'https://hub', WECHAT_INJECTOR_UPSTREAMS: 'http://gate.example' }),
    /^WECHAT_INJECTOR_UPSTREAMS: http:\/\/gate\.example is not encrypted/,
  );
});

test('a Redis without TLS on another machine causes a warning about what is not encrypted', (t) => {
  const said = (store: string): string =>
    warningsOf({ env: ACCOUNT, yaml: `store: ${store}`, files: { '/key': 'k'.repeat(16) } }).join('\n');
  t.regex(
    said('redis://:hunter2@redis/0'),
    /^store \(shop\.yaml:1\): redis:\/\/ is not encrypted: the password and tokens travel in clear; use rediss:\/\/, or/,
  );
  t.notRegex(said('redis://:hunter2@redis/0'), /hunter2/);
  t.regex(said('redis://redis/0'), /: tokens travel in clear/);
  t.regex(
    said('{ url: "redis://:pw@redis/0", encryptionKeyFile: /key }'),
    /: the password travels in clear; use rediss:\/\/$/,
  );
  t.is(said('{ url: redis://redis/0, encryptionKeyFile: /key }'), '');
  t.is(said('rediss://:pw@redis/0'), '');
  t.is(said('redis://:pw@127.0.0.1/0'), '');
  t.is(said('{ url: redis://group/0, sentinels: ["localhost:1"] }'), '');
  t.regex(said('{ url: redis://group/0, sentinels: ["localhost:1", "other:1"] }'), /tokens travel in clear/);
});
