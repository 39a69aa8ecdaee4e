import test from 'ava';
import fc from 'fast-check';
import { canonicalPath, kindOfPath } from '../../src/wechat/path.ts';

test('a path is decided on in the form that a server may come to read', (t) => {
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

test('each path is of its kind', (t) => {
  t.deepEqual(kindOfPath('/cgi-bin/token'), { kind: 'token', endpoint: 'token' });
  t.deepEqual(kindOfPath('/cgi-bin/stable_token'), { kind: 'token', endpoint: 'stable_token' });
  t.deepEqual(kindOfPath('/sns/jscode2session'), { kind: 'secret', secretParam: 'secret' });
  t.deepEqual(kindOfPath('/sns/oauth2/access_token'), { kind: 'secret', secretParam: 'secret' });
  t.deepEqual(kindOfPath('/cgi-bin/clear_quota/v2'), { kind: 'secret', secretParam: 'appsecret' });
  for (const path of ['/sns/userinfo', '/sns/auth', '/cgi-bin/component/api_query_auth']) {
    t.deepEqual(kindOfPath(path), { kind: 'tokenless' }, path);
  }
  for (const path of ['/cgi-bin/token/', '/cgi-bin/clear_quota', '/snsx', '/wxa/getwxacode', '/']) {
    t.deepEqual(kindOfPath(path), { kind: 'ordinary' }, path);
  }
});
