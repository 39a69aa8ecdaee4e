import test from 'ava';
import { APPID, APPSECRET, ACCOUNT, problemsOf, settingsOf, warningsOf } from '../support/settings-source.ts';

const ALL_BUT_REFRESH = ['tokens', 'tickets', 'sign', 'relay'];

/** The file that the manual shows, with a whole hash. */
const WHOLE = `
listen: 0.0.0.0:3882
adminListen: 0.0.0.0:3881
upstreams: [https://api.weixin.qq.com, https://api2.weixin.qq.com]
apps:
  - { appid: wx0123456789abcdef, secretFile: /etc/wechat/secret, mode: stable, name: shop }
clients:
  - { name: orders, keySha256: ${'9f86d081884c7d65'.repeat(4)}, apps: [wx0123456789abcdef] }
  - { name: reports, keyFile: /etc/wechat/reports.key, apps: ["*"] }
kubernetes:
  audience: wechat-sidecar-hub
  allow: [{ namespace: shop, serviceAccount: orders, apps: [wx0123456789abcdef] }]
store: redis://redis:6379/0          # or a mapping: { url, sentinels, cluster, keyPrefix, encryptionKeyFile }
hub: { url: [https://hub-a:3882, https://hub-b:3882], tokenFile: /var/run/wechat-sidecar/token }
defaultApp: wx0123456789abcdef
replay: { bodyLimit: 20MiB, memoryLimit: 64MiB }
denyPaths: [/cgi-bin/clear_quota*]
`;

test('a complete file configures a hub', (t) => {
  const files = {
    '/etc/wechat/secret': `${APPSECRET}\n`,
    '/etc/wechat/reports.key': 'a-key-of-some-length\n',
  };
  const settings = settingsOf({ role: 'hub', yaml: WHOLE, files });
  t.is(settings.apps[0]?.secret.reveal(), APPSECRET);
  t.is(settings.apps[0]?.name, 'shop');
  t.is(settings.hub, undefined);
  t.deepEqual(
    settings.clients.map(({ name, apps }) => ({ name, apps })),
    [
      { name: 'orders', apps: [APPID] },
      { name: 'reports', apps: ['*'] },
    ],
  );
  // printf %s a-key-of-some-length | sha256sum
  t.is(settings.clients[1]?.keySha256, '7602afe257e4bd460fcbc16b78c16d0822834244638fbee1d489cdaed5b179d3');
  t.deepEqual(settings.kubernetes.allow, [
    { namespace: 'shop', serviceAccount: 'orders', apps: [APPID], may: ALL_BUT_REFRESH },
  ]);
});

test('the same file configures a proxy, which uses the hub and opens no secret file', (t) => {
  const given = { role: 'proxy', yaml: WHOLE, env: { WECHAT_SIDECAR_LISTEN: 'localhost:3880' } } as const;
  const settings = settingsOf(given);
  t.deepEqual(settings.apps, []);
  t.deepEqual(settings.hub, {
    urls: ['https://hub-a:3882', 'https://hub-b:3882'],
    tokenFile: '/var/run/wechat-sidecar/token',
  });
  t.is(settings.defaultApp, APPID);
  t.deepEqual(settings.denyPaths, ['/cgi-bin/clear_quota*']);
  t.regex(warningsOf(given).join(), /apps in the file are ignored/);
});

test('an account in the environment is added to those in the file', (t) => {
  const yaml = 'apps: [{ appid: wxaaaaaaaaaaaaaaaa, secretFile: /s }]';
  const settings = settingsOf({ env: ACCOUNT, yaml, files: { '/s': APPSECRET } });
  t.deepEqual(
    settings.apps.map((app) => app.appid),
    ['wxaaaaaaaaaaaaaaaa', APPID],
  );
  t.is(settings.defaultApp, undefined);
});

test('the mode in the environment applies to its account and to those in the file that have none', (t) => {
  const yaml = 'apps: [{ appid: abc, secret: s }, { appid: def, secret: s, mode: stable }]';
  const { apps } = settingsOf({ env: { ...ACCOUNT, WECHAT_TOKEN_MODE: 'classic' }, yaml });
  t.deepEqual(
    apps.map((app) => app.mode),
    ['classic', 'stable', 'classic'],
  );
});

test('the same appid twice is an error, in the file or in file and environment', (t) => {
  const yaml = `apps: [{ appid: abc, secret: s }, { appid: abc, secret: s }, { appid: ${APPID}, secret: s }]`;
  const problems = problemsOf({ env: ACCOUNT, yaml });
  t.is(problems.length, 2);
  t.regex(
    problems[0] ?? '',
    /^apps\[1\]\.appid \(shop\.yaml:1\): abc is already an account, by apps\[0\]\.appid/,
  );
  t.regex(problems[1] ?? '', /^WECHAT_APPID: wx0123456789abcdef is already an account, by apps\[2\]\.appid/);
});

test('an account needs both its appid and one secret', (t) => {
  const said = (env: Record<string, string>) => problemsOf({ env, files: { '/s': APPSECRET } }).join('\n');
  t.regex(
    said({ WECHAT_APPID: APPID }),
    /^WECHAT_APPID: is an account without its AppSecret: set WECHAT_APPSECRET or/,
  );
  t.regex(said({ WECHAT_APPSECRET: 's' }), /^WECHAT_APPSECRET: is set without WECHAT_APPID/);
  t.regex(said({ WECHAT_APPSECRET_FILE: '/s' }), /^WECHAT_APPSECRET_FILE: is set without WECHAT_APPID/);
  t.regex(said({ ...ACCOUNT, WECHAT_APPSECRET_FILE: '/s' }), /both this and WECHAT_APPSECRET_FILE are given/);
  t.regex(problemsOf({ yaml: 'apps: [{}]' }).join('\n'), /apps\[0\] \(shop\.yaml:1\): has no appid/);
  t.regex(
    problemsOf({ yaml: 'apps: [x]' }).join('\n'),
    /apps\[0\] \(shop\.yaml:1\): must be a mapping of appid, secret/,
  );
});

test('a secret file contains the AppSecret and a newline; a problem with one is reported with its name', (t) => {
  const env = { WECHAT_APPID: APPID, WECHAT_APPSECRET_FILE: '/s' };
  t.is(settingsOf({ env, files: { '/s': `${APPSECRET}\r\n` } }).apps[0]?.secret.reveal(), APPSECRET);
  const said = (file: string | { code: string }) => problemsOf({ env, files: { '/s': file } }).join('\n');
  t.is(said({ code: 'ENOENT' }), 'WECHAT_APPSECRET_FILE: there is no file /s');
  t.is(said({ code: 'EACCES' }), 'WECHAT_APPSECRET_FILE: this user may not read /s');
  t.is(said({ code: 'EISDIR' }), 'WECHAT_APPSECRET_FILE: /s is a directory, and a file is needed');
  t.is(said({ code: 'EIO' }), 'WECHAT_APPSECRET_FILE: cannot read /s (EIO)');
  t.is(said(' \n'), 'WECHAT_APPSECRET_FILE: the file /s is empty');
  t.regex(
    said(`${APPSECRET}\n${APPSECRET}`),
    /^WECHAT_APPSECRET_FILE: the file \/s holds 65 characters, accepted is 1 to/,
  );
});

test('digits and exponents in the file stay text', (t) => {
  const yaml =
    'apps: [{ appid: 0123, secret: 12345678901234567890123456789012 }, { appid: "1e5", secret: 0x10 }]';
  const { apps } = settingsOf({ yaml });
  t.deepEqual(
    apps.map((app) => [app.appid, app.secret.reveal()]),
    [
      ['0123', '12345678901234567890123456789012'],
      ['1e5', '0x10'],
    ],
  );
});

test('a value that does not look like an appid or an AppSecret causes a warning, and swapping the two is refused', (t) => {
  t.regex(
    warningsOf({ env: { WECHAT_APPID: 'shop', WECHAT_APPSECRET: 's' } }).join(),
    /shop does not look like an appid/,
  );
  const short = { WECHAT_APPID: APPID, WECHAT_APPSECRET: 'abc' };
  t.regex(warningsOf({ env: short }).join(), /its AppSecret \(length 3\) does not look like one/);
  const swapped = { WECHAT_APPID: APPSECRET, WECHAT_APPSECRET: APPID };
  t.regex(problemsOf({ env: swapped }).join(), /WECHAT_APPID: got a value of 32 hex digits.* swapped\?$/);
});

test('a proxy without an account or a hub is told how to set either', (t) => {
  const said = problemsOf({}).join();
  t.regex(said, /WECHAT_APPID and WECHAT_APPSECRET/);
  t.regex(said, /WECHAT_SIDECAR_HUB_URL/);
  t.regex(problemsOf({ role: 'hub' }).join(), /a hub needs apps/);
  t.deepEqual(problemsOf({ role: 'demo' }), []);
  t.deepEqual(problemsOf({ role: 'simulator' }), []);
});

test('a proxy with a hub must not have a secret, from any source', (t) => {
  const env = { WECHAT_SIDECAR_HUB_URL: 'https://hub', WECHAT_SIDECAR_HUB_TOKEN_FILE: '/token' };
  t.deepEqual(problemsOf({ env }), []);
  t.regex(
    problemsOf({ env: { ...env, ...ACCOUNT } }).join(),
    /^WECHAT_APPSECRET: a proxy with a hub must not have a secret/,
  );
  const withFile = { ...env, WECHAT_APPID: APPID, WECHAT_APPSECRET_FILE: '/s' };
  t.regex(problemsOf({ env: withFile }).join(), /^WECHAT_APPSECRET_FILE: a proxy with a hub/);
  t.regex(problemsOf({ env: { ...env, WECHAT_APPID: APPID } }).join(), /WECHAT_SIDECAR_DEFAULT_APP instead/);
  const inline = 'apps: [{ appid: abc, secret: s }]';
  t.regex(
    problemsOf({ env, yaml: inline }).join(),
    /^apps\[0\]\.secret \(shop\.yaml:1\): a proxy with a hub/,
  );
});

test('a hub and its credential must be set together', (t) => {
  t.regex(
    problemsOf({ env: { WECHAT_SIDECAR_HUB_URL: 'https://hub' } }).join(),
    /set WECHAT_SIDECAR_HUB_TOKEN_FILE/,
  );
  const alone = { ...ACCOUNT, WECHAT_SIDECAR_HUB_TOKEN_FILE: '/token' };
  t.regex(problemsOf({ env: alone }).join(), /is for a hub, and none is named/);
});

test('the default account must be one of the accounts of the settings', (t) => {
  const env = { ...ACCOUNT, WECHAT_SIDECAR_DEFAULT_APP: 'wx0123456789abcdee' };
  t.regex(
    problemsOf({ env }).join(),
    /"wx0123456789abcdee" is none of the accounts \(wx0123456789abcdef\); did you mean wx0123456789abcdef\?/,
  );
  const two = 'apps: [{ appid: abc, secret: s }, { appid: def, secret: s }]\ndefaultApp: def';
  t.is(settingsOf({ yaml: two }).defaultApp, 'def');
});

test('a client has a unique name, one key and its accounts', (t) => {
  const hash = 'ab'.repeat(32);
  const said = (clients: string) =>
    problemsOf({ role: 'hub', env: ACCOUNT, yaml: `clients: [${clients}]`, files: { '/k': 'x' } }).join('\n');
  t.regex(
    said('{}'),
    /clients\[0\] .*has no name.*\n.*has no apps.*\n.*has no key: set keySha256 or keyFile/,
  );
  t.regex(
    said(`{ name: a, apps: ["*"], keySha256: ${hash}, keyFile: /k }`),
    /both this and clients\[0\]\.keyFile/,
  );
  t.regex(
    said('{ name: a, apps: ["*"], keySha256: abc }'),
    /got a value of 3 characters, accepted is 64 hex digits/,
  );
  const twin = `{ name: a, apps: ["*"], keySha256: ${hash} }`;
  t.regex(
    said(`${twin}, ${twin}`),
    /the name a is given twice\n.*the key of a is that of another client too/,
  );
});

test('the key file in the environment is a client for every account', (t) => {
  const given = {
    role: 'hub',
    env: { ...ACCOUNT, WECHAT_HUB_CLIENT_KEY_FILE: '/k' },
    files: { '/k': 'abcdefghijklmnop\n' },
  } as const;
  const { clients } = settingsOf(given);
  t.deepEqual(clients, [
    {
      name: 'default',
      // printf %s abcdefghijklmnop | sha256sum
      keySha256: 'f39dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf',
      apps: ['*'],
      may: ['tokens', 'tickets', 'sign', 'relay', 'refresh'],
    },
  ]);
  const short = warningsOf({ ...given, files: { '/k': 'abc' } });
  t.true(short.some((warning) => warning.includes('the key has 3 characters and is easily guessed')));
});

test('a hub that nobody may use, and a client of a missing account, cause a warning', (t) => {
  t.true(
    warningsOf({ role: 'hub', env: ACCOUNT }).some((line) => line.startsWith('nobody may use this hub yet')),
  );
  const yaml = 'kubernetes: { allow: [{ namespace: a, serviceAccount: "*", apps: [wxnope] }] }';
  const warnings = warningsOf({ role: 'hub', env: ACCOUNT, yaml });
  t.true(
    warnings.some((line) => /kubernetes\.allow\[0\]\.apps .*"wxnope" is none of the accounts/.test(line)),
  );
});

test('a caller may do everything but refresh, unless its list says otherwise; an empty list is an error', (t) => {
  const hash = 'ab'.repeat(32);
  const yamlOf = (may: string): string => `
clients: [{ name: a, keySha256: ${hash}, apps: ["*"]${may} }]
kubernetes: { allow: [{ namespace: n, serviceAccount: s, apps: ["*"]${may} }] }`;
  const given = (may: string) => ({ role: 'hub', env: ACCOUNT, yaml: yamlOf(may) }) as const;
  const mayOf = (may: string): unknown[] => {
    const { clients, kubernetes } = settingsOf(given(may));
    return [...clients, ...kubernetes.allow].map((caller) => caller.may);
  };
  t.deepEqual(mayOf(''), [ALL_BUT_REFRESH, ALL_BUT_REFRESH]);
  t.deepEqual(mayOf(', may: [tickets, refresh]'), [
    ['tickets', 'refresh'],
    ['tickets', 'refresh'],
  ]);
  t.deepEqual(mayOf(', may: "tokens, relay"')[0], ['tokens', 'relay']);
  for (const may of [', may: []', ', may: ""', ', may: ~', ', may: ","']) {
    const problems = problemsOf(given(may));
    t.is(problems.length, 2, may);
    t.regex(problems[0] ?? '', /^clients\[0\]\.may \(shop\.yaml:2\): has 0 items, accepted are 1 to 5/);
  }
  t.regex(
    problemsOf(given(', may: [token]')).join('\n'),
    /clients\[0\]\.may .*got "token", accepted is one of tokens, tickets, sign, relay, refresh/,
  );
  t.is(problemsOf(given(', may: ["*"]')).length, 2);
  t.is(problemsOf(given(', may: { tokens: true }')).length, 2);
});

test('a certificate and its key must be set together', (t) => {
  const hub = { role: 'hub', env: ACCOUNT } as const;
  t.regex(problemsOf({ ...hub, yaml: 'tls: { certFile: /c }' }).join(), /set tls\.keyFile too/);
  t.regex(problemsOf({ ...hub, yaml: 'tls: { keyFile: /k }' }).join(), /set tls\.certFile too/);
  const both = settingsOf({ ...hub, yaml: 'tls: { certFile: /c, keyFile: /k }' });
  t.deepEqual(both.tls, { certFile: '/c', keyFile: '/k' });
});
