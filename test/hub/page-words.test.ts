import test from 'ava';
import { History } from '../../src/hub/history.ts';
import { failureWords } from '../../src/hub/page/failure-words.ts';
import { LANGUAGES, WORDS } from '../../src/hub/page/words.ts';
import { causeOf, type FailureCause, Failures } from '../../src/keeper/failures.ts';
import { makeToken } from '../../src/token/token.ts';
import { diagnose } from '../../src/wechat/errcodes.ts';
import type { Failure } from '../../src/wechat/issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

const HOUR_MS = 3_600_000;

function wordsFor(failure: Failure, language: 'en' | 'zh'): string {
  return noted(causeOf(failure), diagnose(failure), language);
}

function noted(
  cause: FailureCause,
  words: { readonly errcode: number; readonly message: string },
  language: 'en' | 'zh',
): string {
  const failures = new Failures(new ManualClock());
  failures.note(cause, words);
  return failures.last === undefined ? '' : failureWords(failures.last, language);
}

function platform(errcode: number, ip?: string): Failure {
  return { kind: 'failure', cause: 'platform', errcode, detail: '', ...(ip !== undefined && { ip }) };
}

function withoutErrcode(errcode: number, language: 'en' | 'zh'): string {
  return wordsFor(platform(errcode), language).replaceAll(String(errcode), '');
}

test('both languages have the same messages with the same values', (t) => {
  const slots = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].toSorted();
  const flat = (words: object, path = ''): [string, string][] =>
    Object.entries(words).flatMap(([key, value]): [string, string][] =>
      typeof value === 'string' ? [[path + key, value]] : flat(value as object, `${path}${key}.`),
    );
  const english = new Map(flat(WORDS.en));
  t.deepEqual(
    flat(WORDS.zh).map(([key]) => key),
    [...english.keys()],
  );
  for (const [key, text] of flat(WORDS.zh)) t.deepEqual(slots(text), slots(english.get(key) ?? ''), key);
  t.deepEqual([...LANGUAGES], Object.keys(WORDS));
});

test('every failure has a Chinese message with the errcode and what to do', (t) => {
  // The errcodes with English words of their own, and one that has the words of its family, or of all others.
  const [family, unknown] = [89_505, 99_999];
  const general = [family, unknown].map((errcode) => withoutErrcode(errcode, 'en'));
  const special = Array.from({ length: 100_000 }, (_, at) => at + 1).filter(
    (errcode) => !general.includes(withoutErrcode(errcode, 'en')),
  );
  t.true(special.length > 15);
  const said = new Set<string>();
  for (const errcode of [...special, family, unknown]) {
    const words = wordsFor(platform(errcode), 'zh');
    t.true(words.includes(`errcode ${errcode}`) && words.includes('处理办法'), words);
    t.notRegex(words, /What to do|undefined/);
    said.add(withoutErrcode(errcode, 'zh'));
  }
  t.is(said.size, special.length + 2);
  t.regex(wordsFor(platform(40164, '203.0.113.7'), 'zh'), /来源 IP 是 203\.0\.113\.7。/);
  t.regex(wordsFor(platform(40164, '2001:db8::7'), 'zh'), /来源 IP 是 2001:db8::7。/);
  const lost: Failure = { kind: 'failure', cause: 'transport', detail: 'ECONNREFUSED' };
  t.regex(wordsFor(lost, 'zh'), /无法连接平台（ECONNREFUSED）/);
  t.regex(wordsFor({ ...lost, cause: 'unreadable', detail: 'HTTP 502, 9 bytes' }, 'zh'), /HTTP 502/);
  t.regex(wordsFor(platform(-1), 'zh'), /平台繁忙/);
  const route: Failure = {
    kind: 'failure',
    cause: 'route',
    reason: 'EGRESS_PROXY_407',
    detail: 'in English',
  };
  t.regex(wordsFor(route, 'zh'), /出口代理拒绝了用户名和密码/);
  t.regex(wordsFor({ ...lost, cause: 'throttled', detail: 'HTTP 429, 0 bytes' }, 'zh'), /频率（HTTP 429/);
  const ours = { errcode: -1, message: 'in English' };
  t.regex(noted({ cause: 'short_lived', lifeS: 3 }, ours, 'zh'), /有效期只有 3 秒/);
  t.regex(noted({ cause: 'short_lived', lifeS: 0 }, ours, 'zh'), /有效期不足 1 秒/);
  for (const reason of ['unavailable', 'undecryptable', 'forced_unknown', 'forced_unrecorded'] as const) {
    t.regex(noted({ cause: 'store', reason }, ours, 'zh'), /存储/);
  }
});

test('an English failure message is that of the log', (t) => {
  const failure = platform(40164, '203.0.113.7');
  t.is(wordsFor(failure, 'en'), diagnose(failure).message);
});

test('refreshes are kept for a day; those of other hubs have the time at which they were made', (t) => {
  const clock = new ManualClock();
  const history = new History(clock);
  history.add('wxone', 'startup', 'renewed', 'aaaaaaaaaaaaaaaa');
  clock.advance(2 * HOUR_MS);
  const theirs = makeToken('theirs', clock.monotonicMs() - HOUR_MS, 2 * HOUR_MS);
  history.addFromElsewhere('wxone', theirs);
  history.addFromElsewhere('wxone', { ...theirs });
  history.add('wxone', 'ahead', 'renewed', theirs.fingerprint);
  history.addFromElsewhere('wxone', theirs);
  t.deepEqual(
    history.of('wxone').map(({ trigger, atUnixMs }) => [trigger, (clock.unixMs() - atUnixMs) / HOUR_MS]),
    [
      ['startup', 2],
      ['elsewhere', 1],
      ['ahead', 0],
    ],
  );
  t.true(history.isFetchedHere('wxone', theirs.fingerprint));
  t.false(history.isFetchedHere('wxone', 'aaaaaaaaaaaaaaaa'));
  clock.advance(23.5 * HOUR_MS);
  t.deepEqual(
    history.of('wxone').map(({ trigger }) => trigger),
    ['ahead'],
  );
  for (let refresh = 0; refresh < 500; refresh++) history.add('wxone', 'manual', 'failed', undefined);
  t.is(history.of('wxone').length, 200);
  history.keepOnly([]);
  t.is(history.of('wxone').length, 0);
});
