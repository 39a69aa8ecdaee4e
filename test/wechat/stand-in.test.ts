import test from 'ava';
import { accountOfStandIn, standInFor } from '../../src/wechat/stand-in.ts';
import { hostnameOf, isLoopbackName } from '../../src/wechat/hosts.ts';

test('a stand-in names its account, in characters and a length that SDKs accept', (t) => {
  for (const appid of ['wx', 'wx0123456789abcdef', 'A_-b'.repeat(16)]) {
    const standIn = standInFor(appid);
    t.regex(standIn, /^[A-Za-z0-9_.~-]{33,511}$/);
    t.is(accountOfStandIn(standIn), appid);
    t.is(accountOfStandIn(`n=${standIn}`), appid);
  }
});

test('a string that only looks like a stand-in names no account', (t) => {
  t.is(accountOfStandIn(''), undefined);
  t.is(accountOfStandIn('92_abc'), undefined);
  t.is(accountOfStandIn(standInFor('wxaaaa').replace('wxaaaa', 'wxbbbb')), undefined);
});

test('host names are read without port, case, brackets and a final dot; anything else is rejected', (t) => {
  t.is(hostnameOf('API.weixin.qq.com:443'), 'api.weixin.qq.com');
  t.is(hostnameOf('api.weixin.qq.com.'), 'api.weixin.qq.com');
  t.is(hostnameOf('[::1]:3880'), '::1');
  for (const odd of ['', 'a b', 'u@h', 'h:port', ':80', 'h/x', 'h:80:80', '[::1', 'h\\x']) {
    t.is(hostnameOf(odd), undefined, odd);
  }
  for (const name of ['localhost', '127.0.0.1', '127.8.9.10', '::1']) t.true(isLoopbackName(name), name);
  for (const name of ['localhost.evil.com', '128.0.0.1', '127.0.0.1.nip.io', '0.0.0.0']) {
    t.false(isLoopbackName(name), name);
  }
});
