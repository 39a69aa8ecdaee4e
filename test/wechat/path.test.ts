import test from 'ava';
import fc from 'fast-check';
import { canonicalPath, kindOfPath, kindOfReadings } from '../../src/wechat/path.ts';
import { readingsOf } from '../../src/wechat/path-readings.ts';

test('a path is judged in the form in which a server may read it', (t) => {
  for (const written of [
    '/cgi-bin/clear_quota',
    '//cgi-bin/clear_quota',
    '/cgi-bin//clear_quota',
    '/cgi-bin/./clear_quota',
    '/x/../cgi-bin/clear_quota',
    '/cgi-bin%2Fclear_quota',
    '/cgi-bin/%63lear_quota',
    '/cgi-bin/%2563lear_quota',
    '/cgi-bin\\clear_quota',
    '/cgi-bin/x/%2e%2e/clear_quota',
  ]) {
    t.is(canonicalPath(written), '/cgi-bin/clear_quota', written);
  }
  t.is(canonicalPath('/'), '/');
  t.is(canonicalPath('/../..'), '/');
  t.is(canonicalPath('/cgi-bin/token/'), '/cgi-bin/token/');
});

test('a path with broken escapes, control characters or endless encoding is malformed', (t) => {
  for (const written of ['/%', '/%zz', '/a%00b', '/a%0d%0ab', '/%25252525252541']) {
    t.is(canonicalPath(written), undefined, written);
  }
});

test('canonical paths stay as they are', (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const once = canonicalPath(`/${text}`);
      if (once === undefined || once.includes('%')) return;
      t.is(canonicalPath(once), once);
    }),
  );
});

test('each path has its kind', (t) => {
  t.deepEqual(kindOfPath('/cgi-bin/token'), { kind: 'token', endpoint: 'token' });
  t.deepEqual(kindOfPath('/cgi-bin/stable_token'), { kind: 'token', endpoint: 'stable_token' });
  for (const [path, secretParam] of [
    ['/sns/jscode2session', 'secret'],
    ['/sns/oauth2/access_token', 'secret'],
    ['/cgi-bin/clear_quota/v2', 'appsecret'],
  ] as const) {
    t.deepEqual(kindOfPath(path), { kind: 'secret', path, secretParam });
  }
  for (const path of ['/sns/userinfo', '/sns/auth']) t.deepEqual(kindOfPath(path), { kind: 'user' }, path);
  t.deepEqual(kindOfPath('/cgi-bin/component/api_query_auth'), { kind: 'component' });
  for (const path of [
    '/cgi-bin/gettoken',
    '/cgi-bin/service/get_suite_token',
    '/cgi-bin/service/v2/get_permanent_code',
    '/cgi-bin/corpgroup/corp/gettoken',
    '/cgi-bin/webhook/send',
  ]) {
    t.deepEqual(kindOfPath(path), { kind: 'wecom' }, path);
  }
  for (const path of [
    '/cgi-bin/gettokens',
    '/cgi-bin/token/',
    '/cgi-bin/clear_quota',
    '/snsx',
    '/wxa/getwxacode',
    '/',
  ]) {
    t.deepEqual(kindOfPath(path), { kind: 'ordinary' }, path);
  }
});

test('a call that is served locally, or that carries the secret, is recognised in every spelling', (t) => {
  const kind = (rawPath: string): string => {
    const found = kindOfReadings(readingsOf(rawPath) ?? []);
    if (found?.kind === 'secret') return found.path;
    return found?.kind === 'token' ? found.endpoint : (found?.kind ?? 'unclear');
  };
  for (const path of [
    '/cgi-bin/token;x=1',
    '/cgi-bin/token/',
    '/cgi-bin/%74oken',
    '/cgi-bin/x/..;/token',
    '/cgi-bin/Token',
    '/cgi-bin\\token',
    '/sns/..;/cgi-bin/token',
    '/cgi-bin/token%3Fa=1',
  ]) {
    t.is(kind(path), 'token', path);
  }
  t.is(kind('/SNS/userinfo'), 'user');
  t.is(kind('/cgi-bin//gettoken;x/'), 'wecom');
  t.is(kind('/sns/jscode2session;x'), '/sns/jscode2session');
  t.is(kind('/sns//jscode2session/'), '/sns/jscode2session');
  t.is(kind('/cgi-bin/clear_quota/%76%32'), '/cgi-bin/clear_quota/v2');
});

test('a path that one server reads as a call with a token, and another as one without, is neither', (t) => {
  for (const path of [
    '/sns/..;/cgi-bin/user/get',
    '/wxa/..;/sns/userinfo',
    '/wxa/%2e%2e/sns/userinfo',
    '/%73ns/userinfo',
    '/cgi-bin/component/%2e%2e/user/get',
    '/cgi-bin/token;/../stable_token',
  ]) {
    t.is(kindOfReadings(readingsOf(path) ?? []), undefined, path);
  }
  for (const path of ['/wxa/x;y', '/wxa//x', '/cgi-bin/../wxa/x', '/cgi-bin/user/info%3Fa=1', '/']) {
    t.deepEqual(kindOfReadings(readingsOf(path) ?? []), { kind: 'ordinary' }, path);
  }
});
