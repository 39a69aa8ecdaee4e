import test from 'ava';
import { startSimulator } from '../support/simulator.ts';
import { startTestProxy } from '../support/proxy.ts';

const TOKEN_PATH = '/cgi-bin/stable_token';

/** Answers to a request for a token that must not be used. */
const UNUSABLE: readonly (readonly [what: string, token: unknown, expiresIn: unknown])[] = [
  ['a token with half a character', 'a_token_that_breaks_URLs_\ud800', 7_200],
  ['a token in Chinese', '一个不能放进网址里的访问令牌文本', 7_200],
  ['a token with a line break', 'a_token_that_splits\r\nheaders: yes', 7_200],
  ['a token of 15 characters', 'fifteen_letters', 7_200],
  ['a life of nothing', 'a_token_without_a_life', 0],
  ['a life below nothing', 'a_token_without_a_life', -7_200],
  ['a life in words', 'a_token_without_a_life', 'two hours'],
];

for (const [what, token, expiresIn] of UNUSABLE) {
  test(`${what} is requested again, and nobody notices`, async (t) => {
    const simulator = await startSimulator(t);
    const body = JSON.stringify({ access_token: token, expires_in: expiresIn });
    simulator.control.answer({ path: TOKEN_PATH, body, times: 1 });
    const proxy = await startTestProxy(t, [simulator.origin]);
    const answer = await fetch(`${proxy.base}/cgi-bin/user/info?openid=oSomebody0000000000000000`);
    t.is(answer.headers.get('x-wechat-sidecar-error'), null, await answer.text());
    t.is(simulator.control.counters().paths[TOKEN_PATH]?.calls, 2);
    const log = proxy.lines.join('');
    t.regex(log, /is unusable \((access_token is not 16 to|expires_in is not)/);
    t.false(log.includes(String(token)));
  });
}

test('a platform whose tokens live only briefly is reported as the cause, and is not asked with every call', async (t) => {
  const simulator = await startSimulator(t);
  let made = 0;
  const moment = (): string =>
    JSON.stringify({ access_token: `a_token_of_a_moment_${made++}`, expires_in: 0.001 });
  for (let times = 0; times < 10; times++)
    simulator.control.answer({ path: TOKEN_PATH, body: moment(), times: 1 });
  const proxy = await startTestProxy(t, [simulator.origin]);
  let words = '';
  for (let call = 0; call < 20; call++) {
    const answer = await fetch(`${proxy.base}/cgi-bin/user/info?openid=oSomebody0000000000000000`);
    if (answer.headers.get('x-wechat-sidecar-error') !== 'token_unavailable') continue;
    words = ((await answer.json()) as { errmsg: string }).errmsg;
  }
  t.regex(words, /tokens that live for less than one second \(expires_in\)/);
  t.is(simulator.control.counters().paths[TOKEN_PATH]?.calls, 3);
  t.is(proxy.lines.filter((line) => line.includes('fetches are spaced')).length, 1);
});
