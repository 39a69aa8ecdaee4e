import test from 'ava';
import { diagnose } from '../../src/wechat/errcodes.ts';

const MINUTE_MS = 60_000;

for (const errcode of [-1, 45011]) {
  test(`errcode ${errcode} is transient`, (t) => {
    const diagnosis = diagnose({ kind: 'failure', cause: 'platform', errcode, detail: '' });
    t.is(diagnosis.recheckMs, undefined);
    t.is(diagnosis.errcode, errcode);
  });
}

for (const cause of ['transport', 'unreadable'] as const) {
  test(`a response that is ${cause === 'transport' ? 'missing' : cause} is transient, and counts as busy`, (t) => {
    const diagnosis = diagnose({ kind: 'failure', cause, detail: 'ECONNREFUSED' });
    t.is(diagnosis.recheckMs, undefined);
    t.is(diagnosis.errcode, -1);
    t.regex(diagnosis.message, /ECONNREFUSED/);
  });
}

for (const errcode of [
  40001, 40002, 40013, 40125, 40164, 40243, 41002, 41004, 45009, 50004, 50007, 61024, 89500, 89501, 89503,
  89506, 89507, 43002, 12345,
]) {
  test(`errcode ${errcode} is retried after one minute to one hour, and says what to do`, (t) => {
    const diagnosis = diagnose({ kind: 'failure', cause: 'platform', errcode, detail: '' });
    t.is(diagnosis.errcode, errcode);
    t.true((diagnosis.recheckMs ?? 0) >= MINUTE_MS && (diagnosis.recheckMs ?? 0) <= 60 * MINUTE_MS);
    t.regex(diagnosis.message, new RegExp(`errcode ${errcode}`));
    t.regex(diagnosis.message, /What to do: /);
  });
}

test('40164 names the address to allow', (t) => {
  const failure = {
    kind: 'failure',
    cause: 'platform',
    errcode: 40164,
    ip: '203.0.113.7',
    detail: '',
  } as const;
  t.regex(diagnose(failure).message, /203\.0\.113\.7/);
});
