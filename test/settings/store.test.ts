import test from 'ava';
import { parseRedisUrl } from '../../src/store/redis-url.ts';
import { ACCOUNT, problemsOf, settingsOf, warningsOf } from '../support/settings-source.ts';

const saidOf = (url: string): string =>
  problemsOf({ env: { ...ACCOUNT, WECHAT_SIDECAR_STORE: url } }).join('\n');

test('a Redis URL of which a part would be ignored is refused, and the message says which', (t) => {
  t.regex(
    saidOf('redis://host/zz'),
    /^WECHAT_SIDECAR_STORE: got a value of 15 characters, accepted is memory, file:.*; the part after the host is not a database,/,
  );
  t.regex(saidOf('redis://host/99999'), /a number from 0 to 9999/);
  t.regex(saidOf('rediss://host/0?ssl=true'), /it has options/);
  t.notRegex(saidOf('redis://:hunter2#@host/0'), /hunter2/);
  t.is(saidOf('redis://host/15'), '');
  t.is(saidOf('redis://user:p%40ss@host:6380/'), '');
});

test('a Redis Cluster has one database', (t) => {
  const said = (yaml: string) => problemsOf({ env: ACCOUNT, yaml }).join();
  t.regex(
    said('store: { url: redis://a/1, cluster: true }'),
    /^store\.url \(shop\.yaml:1\): a Redis Cluster has no database but 0/,
  );
  t.is(said('store: { url: redis://a/0, cluster: true }'), '');
});

test('a user without a password causes a warning, because there would be no login', (t) => {
  const warnings = warningsOf({
    env: { ...ACCOUNT, WECHAT_SIDECAR_STORE: 'redis://hunter2@localhost' },
  }).join();
  t.regex(warnings, /WECHAT_SIDECAR_STORE: names a user and no password.*redis:\/\/:password@host/);
  t.notRegex(warnings, /hunter2/);
});

test('the store gets the configured values', (t) => {
  const { store } = settingsOf({ env: { ...ACCOUNT, WECHAT_SIDECAR_STORE: 'rediss://:pw@mymaster/1' } });
  if (store.kind !== 'redis') return t.fail();
  t.is(store.url.reveal(), 'rediss://:pw@mymaster/1');
});

test('the password of Redis may be in a file, but only in one place', (t) => {
  const files = { '/run/redis': 'p%s/w@rd\n' };
  const env = { ...ACCOUNT, WECHAT_SIDECAR_STORE_PASSWORD_FILE: '/run/redis' };
  const { store } = settingsOf({ env: { ...env, WECHAT_SIDECAR_STORE: 'redis://hub@host:6380/2' }, files });
  if (store.kind !== 'redis') return t.fail();
  const parsed = parseRedisUrl(store.url.reveal());
  t.like(parsed, { url: { username: 'hub', password: 'p%s/w@rd', host: 'host', port: 6380, database: 2 } });
  const said = (url: string): string =>
    problemsOf({ env: { ...env, WECHAT_SIDECAR_STORE: url }, files }).join();
  t.regex(
    said('redis://hub:other@host'),
    /^WECHAT_SIDECAR_STORE_PASSWORD_FILE: WECHAT_SIDECAR_STORE has a password too/,
  );
  t.regex(said('memory'), /WECHAT_SIDECAR_STORE_PASSWORD_FILE: is for a Redis store alone/);
});
