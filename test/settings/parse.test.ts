import test from 'ava';
import {
  APPID,
  APPSECRET,
  ACCOUNT,
  parse,
  problemsOf,
  settingsOf,
  warningsOf,
} from '../support/settings-source.ts';

test('with an account in the environment and nothing else, everything has its default', (t) => {
  const settings = settingsOf({ env: ACCOUNT });
  const [app] = settings.apps;
  t.is(app?.appid, APPID);
  t.is(app?.secret.reveal(), APPSECRET);
  t.is(app?.mode, 'stable');
  t.is(settings.defaultApp, APPID);
  t.like(settings, {
    listen: { host: 'localhost', port: 3880 },
    adminListen: { host: '0.0.0.0', port: 3881 },
    adminPortMayMove: true,
    upstreams: ['https://api.weixin.qq.com', 'https://api2.weixin.qq.com'],
    resolve: 'system',
    timeouts: { connectMs: 1_200, answerMs: 60_000, idleMs: 60_000 },
    limits: { inFlightMax: 1_000 },
    replay: { bodyBytesMax: 20 * 2 ** 20, memoryBytesMax: undefined },
    errorStatus: 'wechat',
    foreignTokens: 'pass',
    allowedOrigins: [],
    denyPaths: [],
    store: { kind: 'memory' },
    drainDelayMs: 0,
    drainTimeoutMs: 25_000,
    logLevel: 'info',
    accessLog: 'off',
    hub: undefined,
  });
  t.deepEqual(warningsOf({ env: ACCOUNT }), []);
});

test('each variable sets its setting', (t) => {
  const settings = settingsOf({
    env: {
      ...ACCOUNT,
      WECHAT_TOKEN_MODE: 'classic',
      WECHAT_SIDECAR_DEFAULT_APP: APPID,
      WECHAT_SIDECAR_UPSTREAMS:
        'https://a.example, http://127.0.0.1:8080/, https://Gate.example:443/wechat/v1.0/',
      WECHAT_SIDECAR_LISTEN: '[::1]:1',
      WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:2',
      WECHAT_SIDECAR_REPLAY_BODY_LIMIT: '1MiB',
      WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT: '2MB',
      WECHAT_SIDECAR_ERROR_STATUS: 'http',
      WECHAT_SIDECAR_FOREIGN_TOKENS: 'reject',
      WECHAT_SIDECAR_ALLOWED_ORIGINS: 'http://LOCALHOST:5173/, https://a.example:443',
      WECHAT_SIDECAR_DENY_PATHS: '/cgi-bin/clear_quota*,/wxa/*',
      WECHAT_SIDECAR_STORE: 'file:/var/lib/tokens',
      WECHAT_SIDECAR_DRAIN_DELAY: '3s',
      WECHAT_SIDECAR_DRAIN_TIMEOUT: '1m',
      WECHAT_SIDECAR_LOG_LEVEL: 'debug',
      WECHAT_SIDECAR_ACCESS_LOG: 'all',
      WECHAT_SIDECAR_MAX_IN_FLIGHT: '7',
      WECHAT_SIDECAR_CONNECT_TIMEOUT: '1s',
      WECHAT_SIDECAR_ANSWER_TIMEOUT: '2s',
      WECHAT_SIDECAR_IDLE_TIMEOUT: '3s',
      WECHAT_SIDECAR_RESOLVE: 'dns',
    },
  });
  t.is(settings.apps[0]?.mode, 'classic');
  t.like(settings, {
    upstreams: ['https://a.example', 'http://127.0.0.1:8080', 'https://gate.example/wechat/v1.0'],
    listen: { host: '::1', port: 1 },
    adminListen: { host: '127.0.0.1', port: 2 },
    adminPortMayMove: false,
    replay: { bodyBytesMax: 2 ** 20, memoryBytesMax: 2e6 },
    errorStatus: 'http',
    foreignTokens: 'reject',
    allowedOrigins: ['http://localhost:5173', 'https://a.example'],
    denyPaths: ['/cgi-bin/clear_quota*', '/wxa/*'],
    store: { kind: 'file', path: '/var/lib/tokens' },
    drainDelayMs: 3_000,
    drainTimeoutMs: 60_000,
    logLevel: 'debug',
    accessLog: 'all',
    limits: { inFlightMax: 7 },
    timeouts: { connectMs: 1_000, answerMs: 2_000, idleMs: 3_000 },
    resolve: 'dns',
  });
});

test('the environment overrides the file, setting by setting, and an empty variable counts as not set', (t) => {
  const yaml = 'errorStatus: http\nreplay: { bodyLimit: 1MiB, memoryLimit: 3MiB }\ndrainTimeout: 9s';
  const env = { ...ACCOUNT, WECHAT_SIDECAR_REPLAY_BODY_LIMIT: '2MiB', WECHAT_SIDECAR_DRAIN_TIMEOUT: ' ' };
  const settings = settingsOf({ env, yaml });
  t.is(settings.errorStatus, 'http');
  t.deepEqual(settings.replay, { bodyBytesMax: 2 * 2 ** 20, memoryBytesMax: 3 * 2 ** 20 });
  t.is(settings.drainTimeoutMs, 9_000);
});

test('all problems are reported together, one line each, with name, value and what is accepted', (t) => {
  const problems = problemsOf({
    env: {
      WECHAT_APPID: APPID,
      WECHAT_SIDECAR_DRAIN_TIMEOUT: '30',
      WECHAT_SIDECAR_LISTEN: 'localhost',
      WECHAT_SIDECAR_LISTN: 'localhost:1',
    },
    yaml: [
      'apps:',
      '  - { appid: wxaaaaaaaaaaaaaaaa, secretFile: /missing }',
      '  - appid: wxbbbbbbbbbbbbbbbb',
      '    secretFile: /empty',
      'errorStatus: teapot',
      'replay: { bodyLimit: 20 }',
      'drainTimout: 3s',
    ].join('\n'),
    files: { '/empty': '\n' },
  });
  const expected = [
    /^drainTimout \(shop\.yaml:7\): no such setting; did you mean drainTimeout\?$/,
    /^WECHAT_SIDECAR_LISTN: no such setting; did you mean WECHAT_SIDECAR_LISTEN\?$/,
    /^apps\[0\]\.secretFile \(shop\.yaml:2\): there is no file \/missing$/,
    /^apps\[1\]\.secretFile \(shop\.yaml:4\): the file \/empty is empty$/,
    /^WECHAT_APPID: is an account without its AppSecret: set WECHAT_APPSECRET or WECHAT_APPSECRET_FILE$/,
    /^errorStatus \(shop\.yaml:5\): got "teapot", accepted is one of wechat, http$/,
    /^replay\.bodyLimit \(shop\.yaml:6\): got "20", accepted is a number with a unit .*such as 20MiB$/,
    /^WECHAT_SIDECAR_DRAIN_TIMEOUT: got "30", accepted is a number with a unit .*such as 30s$/,
    /^WECHAT_SIDECAR_LISTEN: got "localhost", accepted is host:port/,
  ];
  for (const line of expected)
    t.true(
      problems.some((problem) => line.test(problem)),
      `${line}`,
    );
  t.is(problems.length, expected.length, problems.join('\n'));
  t.true(problems.every((problem) => !problem.includes('\n')));
});

test('no problem and no warning shows a secret', (t) => {
  const secret = 'S3cret-value with-a-space';
  const givens = [
    { env: { WECHAT_APPID: APPID, WECHAT_APPSECRET: secret } },
    { env: { WECHAT_APPID: secret.replaceAll(' ', ''), WECHAT_APPSECRET: 'x y' }, yaml: 'apps: 3' },
    { env: { ...ACCOUNT, WECHAT_SIDECAR_STORE: `redis//:${secret}@host` } },
    { env: { ...ACCOUNT, WECHAT_SIDECAR_UPSTREAMS: `https://u:${APPSECRET}@api.weixin.qq.com` } },
    { env: { ...ACCOUNT, WECHAT_SIDECAR_UPSTREAMS: `https://api.weixin.qq.com?secret=${APPSECRET}` } },
    { yaml: `apps: [{ appid: ${APPID}, secret: "${secret}" }]` },
    { yaml: `apps: [{ appid: ${APPID}, secret: [${APPSECRET}] }]` },
    { yaml: `apps: [{ appid: ${APPID}, secret: ${APPSECRET}` },
    { yaml: `apps:\n - appid: ${APPID}\n   secret: "${APPSECRET}" x` },
    { env: { WECHAT_APPID: APPSECRET, WECHAT_APPSECRET: APPID } },
    { env: { WECHAT_SIDECAR_DEFAULT_APP: APPSECRET, ...ACCOUNT } },
    { role: 'hub', env: ACCOUNT, yaml: `clients: [{ name: a, apps: ["*"], keySha256: ${secret} }]` },
  ] as const;
  for (const [index, given] of givens.entries()) {
    const parsed = parse(given);
    const said = parsed.kind === 'bad' ? parsed.problems : parsed.warnings;
    if (index > 0) t.is(parsed.kind, 'bad', JSON.stringify(given));
    for (const line of said) {
      t.notRegex(line, /S3cret|0123456789abcdef0123456789abcdef/, line);
    }
  }
});

test('an unknown variable with our prefix is a problem, with the word that was probably meant', (t) => {
  const said = (name: string): string => problemsOf({ env: { ...ACCOUNT, [name]: 'x' } }).join();
  t.regex(said('WECHAT_SIDECAR_APPID'), /did you mean WECHAT_APPID\?/);
  t.regex(said('WECHAT_HUB_URL'), /did you mean WECHAT_SIDECAR_HUB_URL\?/);
  t.regex(said('WECHAT_SIDECAR_LOGLEVEL'), /did you mean WECHAT_SIDECAR_LOG_LEVEL\?/);
  t.is(said('WECHAT_SIDECAR_QQQQQQQQQ'), 'WECHAT_SIDECAR_QQQQQQQQQ: no such setting');
  t.regex(warningsOf({ env: { ...ACCOUNT, WECHAT_APP_ID: 'x' } }).join(), /did you mean WECHAT_APPID\?/);
  t.deepEqual(warningsOf({ env: { ...ACCOUNT, WECHAT_PAY_MERCHANT: 'x' } }), []);
});

test('the variables that Kubernetes sets for a Service named wechat-sidecar or wechat-sidecar-hub are no problem', (t) => {
  // A Service of that name in the namespace once stopped every pod from starting, in many a product.
  const env: Record<string, string> = { ...ACCOUNT };
  for (const service of ['WECHAT_SIDECAR', 'WECHAT_SIDECAR_HUB', 'WECHAT_HUB']) {
    env[`${service}_SERVICE_HOST`] = '10.0.0.1';
    env[`${service}_SERVICE_PORT`] = '3882';
    env[`${service}_SERVICE_PORT_HTTPS`] = '3882';
    env[`${service}_PORT`] = 'tcp://10.0.0.1:3882';
    env[`${service}_PORT_3882_TCP`] = 'tcp://10.0.0.1:3882';
    env[`${service}_PORT_3882_TCP_PROTO`] = 'tcp';
    env[`${service}_PORT_3882_TCP_PORT`] = '3882';
    env[`${service}_PORT_3882_TCP_ADDR`] = '10.0.0.1';
  }
  t.deepEqual(problemsOf({ env }), []);
  t.deepEqual(problemsOf({ env: { ...ACCOUNT, WECHAT_SIDECAR_PORT: '3880' } }).length, 1);
});

test('the admin port may move if it is not set, except in Kubernetes, whose probes rely on it', (t) => {
  t.true(settingsOf({ env: ACCOUNT }).adminPortMayMove);
  t.false(settingsOf({ env: { ...ACCOUNT, KUBERNETES_SERVICE_HOST: '10.0.0.1' } }).adminPortMayMove);
  t.false(settingsOf({ env: ACCOUNT, yaml: 'adminListen: 0.0.0.0:3881' }).adminPortMayMove);
});

test('listen and adminListen each need their own port', (t) => {
  const env = { ...ACCOUNT, WECHAT_SIDECAR_LISTEN: 'localhost:3881' };
  t.regex(problemsOf({ env }).join(), /WECHAT_SIDECAR_LISTEN: listen and adminListen share the port 3881/);
  const zero = {
    ...ACCOUNT,
    WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
    WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
  };
  t.deepEqual(problemsOf({ env: zero }), []);
});

test('a proxy that other machines can reach must list its peers, and a platform without TLS causes a warning', (t) => {
  const listPeers =
    /other machines can reach it, .*list the addresses that may connect in WECHAT_SIDECAR_LISTEN_PEERS/;
  for (const [env, name] of [
    [{ WECHAT_SIDECAR_LISTEN: '0.0.0.0:1' }, 'WECHAT_SIDECAR_LISTEN'],
    [{ WECHAT_SIDECAR_LISTEN: '[::]:1' }, 'WECHAT_SIDECAR_LISTEN'],
    [{ WECHAT_SIDECAR_LISTEN: 'sidecar.example:1' }, 'WECHAT_SIDECAR_LISTEN'],
    [{ WECHAT_SIDECAR_TRANSPARENT_LISTEN: '10.1.2.3:443' }, 'WECHAT_SIDECAR_TRANSPARENT_LISTEN'],
  ] as const) {
    const problems = problemsOf({ env: { ...ACCOUNT, ...env } });
    t.is(problems.length, 1);
    t.regex(problems[0] ?? '', listPeers);
    t.true(problems[0]?.startsWith(`${name}: `));
    const peers = { ...ACCOUNT, ...env, WECHAT_SIDECAR_LISTEN_PEERS: '127.0.0.1, 172.18.0.0/16,fd00::/8' };
    t.deepEqual(settingsOf({ env: peers }).listenPeers, ['127.0.0.1', '172.18.0.0/16', 'fd00::/8']);
    t.deepEqual(warningsOf({ env: peers }), []);
  }
  for (const text of ['172.18.0.0/33', 'compose', '10.1.2', '*', 'fd00::/129', '10.0.0.0/']) {
    const env = { ...ACCOUNT, WECHAT_SIDECAR_LISTEN: '0.0.0.0:1', WECHAT_SIDECAR_LISTEN_PEERS: text };
    t.is(problemsOf({ env }).length, 1, text);
  }
  const idle = { ...ACCOUNT, WECHAT_SIDECAR_LISTEN_PEERS: '10.1.2.3' };
  t.regex(warningsOf({ env: idle }).join(), /^WECHAT_SIDECAR_LISTEN_PEERS: has no effect/);
  const clear = { ...ACCOUNT, WECHAT_SIDECAR_UPSTREAMS: 'http://a.example' };
  t.regex(
    warningsOf({ env: clear }).join(),
    /^WECHAT_SIDECAR_UPSTREAMS: http:\/\/a\.example is not encrypted/,
  );
  t.deepEqual(problemsOf({ role: 'hub', env: { ...ACCOUNT, WECHAT_SIDECAR_LISTEN: '0.0.0.0:1' } }), []);
});

test('an additional host is a name or an address, without port or wildcard', (t) => {
  const env = {
    ...ACCOUNT,
    WECHAT_SIDECAR_ALLOWED_HOSTS: 'Wechat-Sidecar,host.docker.internal., 10.1.2.3, [FD00::1]',
  };
  t.deepEqual(settingsOf({ env }).allowedHosts, [
    'wechat-sidecar',
    'host.docker.internal',
    '10.1.2.3',
    'fd00::1',
  ]);
  for (const text of [
    'a:3880',
    '*',
    '*.example.com',
    'http://a',
    'a/b',
    '-a',
    'a..b',
    'a b',
    'x'.repeat(254),
  ]) {
    t.is(problemsOf({ env: { ...ACCOUNT, WECHAT_SIDECAR_ALLOWED_HOSTS: text } }).length, 1, text);
  }
});

test('an upstream has no query or user, and an unambiguous path', (t) => {
  for (const url of [
    'api.weixin.qq.com',
    'https://a//b',
    'https://a/b//',
    'https://a/../b',
    'https://a/.',
    'https://a/%62',
    'https://a/b;c',
    'https://a?b',
    'https://u@a',
    'ftp://a',
    'https://a:99999',
  ]) {
    t.is(problemsOf({ env: { ...ACCOUNT, WECHAT_SIDECAR_UPSTREAMS: url } }).length, 1, url);
  }
  const many = Array.from({ length: 17 }, (_, index) => `https://a${index}`).join();
  t.regex(problemsOf({ env: { ...ACCOUNT, WECHAT_SIDECAR_UPSTREAMS: many } }).join(), /has 17 items/);
  t.is(problemsOf({ env: { ...ACCOUNT, WECHAT_SIDECAR_UPSTREAMS: ',' } }).length, 1);
});

test('the store is memory, a file, or a Redis with its Sentinels or its Cluster', (t) => {
  const store = (yaml: string) => settingsOf({ env: ACCOUNT, yaml, files: { '/key': 'k'.repeat(16) } }).store;
  t.deepEqual(store('store: memory'), { kind: 'memory' });
  t.like(store('store: file:///a/b'), { kind: 'file', path: '/a/b' });
  const redis = store(
    'store: { url: "rediss://:pw@mymaster/1", sentinels: [a:1, "b:2"], keyPrefix: "x:", encryptionKeyFile: /key }',
  );
  if (redis.kind !== 'redis') return t.fail();
  t.is(redis.url.reveal(), 'rediss://:pw@mymaster/1');
  t.is(redis.encryptionKey?.reveal(), 'k'.repeat(16));
  t.like(redis, {
    sentinels: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
    cluster: false,
    keyPrefix: 'x:',
  });
  t.like(store('store: { url: redis://a, cluster: true }'), { kind: 'redis', cluster: true });
  const said = (yaml: string) => problemsOf({ env: ACCOUNT, yaml, files: { '/key': 'short' } }).join();
  t.regex(
    said('store: { sentinels: [a:1] }'),
    /store\.sentinels \(shop\.yaml:1\): is for a Redis store alone/,
  );
  t.regex(said('store: { url: redis://a, sentinels: [a:1], cluster: true }'), /Sentinels or is a Cluster/);
  t.regex(
    said('store: { url: file:/a, encryptionKeyFile: /key }'),
    /holds 5 characters, accepted is 16 or more/,
  );
});

test('a role reads only its own settings', (t) => {
  const yaml = 'store: nonsense\napps: [{ appid: x }]\nreplay: { bodyLimit: x }';
  t.deepEqual(problemsOf({ role: 'injector', yaml, env: { WECHAT_INJECTOR_IMAGE: 'x' } }), []);
  t.deepEqual(problemsOf({ role: 'shutdown', yaml, env: { WECHAT_SIDECAR_LISTEN: 'x' } }), []);
  t.deepEqual(problemsOf({ role: 'demo', yaml: 'store: nonsense' }), []);
  t.true(problemsOf({ role: 'proxy', yaml }).length >= 3);
});
