import test from 'ava';
import { EVIDENCE_MS, HOLD_AFTER_SUCCESS_MS, QUIET_MS, Reports } from '../../src/proxy/reports.ts';
import type { Refusal, ReportAnswer } from '../../src/token/source.ts';
import { makeToken, type Token } from '../../src/token/token.ts';
import { ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

const APPID = 'wx1';
const PATH = '/cgi-bin/user/info';

interface Asked extends Refusal {
  answer(answer: Partial<ReportAnswer> & { kind: ReportAnswer['kind'] }): Promise<void>;
}

interface Bench {
  readonly clock: ManualClock;
  readonly reports: Reports;
  readonly asked: Asked[];
  token: Token;
  /** A call to the path is refused now. What becomes of it, in a word, is added to the list. */
  refuse(path?: string): string[];
  /** A call to the path that was sent that long ago succeeds now. */
  succeed(sentAgoMs?: number): void;
  pass(forMs: number): Promise<void>;
}

function bench(): Bench {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const reports = new Reports({
    accounts: {
      peek: () => it.token,
      report: (_, refusal) =>
        new Promise((resolve) => {
          asked.push({
            ...refusal,
            answer(answer) {
              resolve({ token: it.token, ...answer } as ReportAnswer);
              return ripple();
            },
          });
        }),
    },
    clock,
  });
  const it: Bench = {
    clock,
    reports,
    asked,
    token: makeToken('the-first-token', clock.monotonicMs(), 7_200_000),
    refuse(path = PATH) {
      const words: string[] = [];
      void reports.refused(APPID, path, it.token.fingerprint, 40001).then((outcome) => {
        words.push(outcome.kind === 'replay' ? outcome.token.value.reveal() : outcome.reason);
      });
      return words;
    },
    succeed(sentAgoMs = 0) {
      reports.succeeded(APPID, PATH, it.token.fingerprint, clock.monotonicMs() - sentAgoMs);
    },
    async pass(forMs) {
      for (let left = forMs; left > 0; left -= 10) {
        clock.advance(Math.min(left, 10));
        await ripple();
      }
      await ripple();
    },
  };
  return it;
}

/** The path was looked into, and is not held any more. */
async function lookedInto(): Promise<Bench> {
  const it = bench();
  it.refuse();
  await it.asked[0]?.answer({ kind: 'accepted', holdMs: 2_000 });
  await it.pass(10);
  it.succeed();
  await it.pass(2_000);
  return it;
}

test('the first refusal of a path is reported immediately, and the call is sent again with the new token', async (t) => {
  const it = bench();
  const words = it.refuse();
  const { fingerprint } = it.token;
  t.like(it.asked[0], { fingerprint, errcode: 40001, path: PATH, succeeded: false });
  const token = makeToken('the-second-token', it.clock.monotonicMs(), 7_200_000);
  await it.asked[0]?.answer({ kind: 'renewed', token });
  t.deepEqual(words, ['the-second-token']);
});

test('refusals of a path that arrive while it is looked into share the report', async (t) => {
  const it = bench();
  const all = [it.refuse(), it.refuse(), it.refuse()];
  await it.asked[0]?.answer({ kind: 'accepted', holdMs: 2_000 });
  t.deepEqual(all, [['accepted'], ['accepted'], ['accepted']]);
  t.is(it.asked.length, 1);
});

test('a call whose token was replaced meanwhile continues with the current one, whatever is held', async (t) => {
  const it = bench();
  it.refuse();
  await it.asked[0]?.answer({ kind: 'accepted', holdMs: 60_000 });
  const old = it.token;
  it.token = makeToken('the-second-token', it.clock.monotonicMs(), 7_200_000);
  const outcome = it.reports.refused(APPID, PATH, old.fingerprint, 40001);
  await it.asked[1]?.answer({ kind: 'not_current', token: it.token });
  t.like(await outcome, { kind: 'replay' });
});

test('a held path is not reported, other paths are, and when the hold ends it is reported by timer', async (t) => {
  const it = bench();
  it.refuse();
  await it.asked[0]?.answer({ kind: 'accepted', holdMs: 4_000 });
  await it.pass(1_000);
  const words = it.refuse();
  await it.pass(0);
  t.deepEqual(words, ['held']);
  it.refuse('/cgi-bin/other');
  t.is(it.asked[1]?.path, '/cgi-bin/other');
  await it.pass(2_990);
  t.is(it.asked.length, 2);
  await it.pass(20);
  t.is(it.asked[2]?.path, PATH);
});

test('a held path that is not called again is not reported again', async (t) => {
  const it = bench();
  it.refuse();
  await it.asked[0]?.answer({ kind: 'accepted', holdMs: 2_000 });
  await it.pass(60_000);
  t.is(it.asked.length, 1);
});

test('a success ends the hold two seconds later, and the next report mentions it', async (t) => {
  const it = bench();
  it.refuse();
  await it.asked[0]?.answer({ kind: 'accepted', holdMs: 600_000 });
  await it.pass(10_000);
  it.succeed();
  await it.pass(HOLD_AFTER_SUCCESS_MS - 500);
  it.refuse();
  t.is(it.asked.length, 1);
  await it.pass(510);
  t.like(it.asked[1], { path: PATH, succeeded: true });
});

test('a stray refusal of a path that was looked into is not reported if a later call succeeds', async (t) => {
  const it = await lookedInto();
  const words = it.refuse();
  await it.pass(300);
  // Sent before the refusal: it proves nothing.
  it.succeed(301);
  await it.pass(100);
  t.deepEqual(words, []);
  it.succeed(50);
  await it.pass(0);
  t.deepEqual(words, ['succeeded_since']);
  await it.pass(10_000);
  t.is(it.asked.length, 1);
});

test('without such a success it is reported after a second, counted from the first refusal', async (t) => {
  const it = await lookedInto();
  it.refuse();
  await it.pass(600);
  it.refuse();
  await it.pass(EVIDENCE_MS - 600 - 10);
  t.is(it.asked.length, 1);
  await it.pass(10);
  t.is(it.asked.length, 2);
});

test('a success that was sent between two refusals does not clear the second', async (t) => {
  const it = await lookedInto();
  it.refuse();
  await it.pass(300);
  const sentMs = it.clock.monotonicMs();
  await it.pass(100);
  it.refuse();
  await it.pass(200);
  it.reports.succeeded(APPID, PATH, it.token.fingerprint, sentMs);
  await it.pass(2_000);
  t.is(it.asked.length, 2);
});

for (const kind of ['waiting', 'rationed'] as const) {
  test(`while a token is ${kind} it is reported at most once a second, whatever the path`, async (t) => {
    const it = bench();
    const first = it.refuse();
    await it.asked[0]?.answer({ kind, retryMs: 30_000 });
    const others = ['/a', '/b', PATH].map((path) => it.refuse(path));
    await it.pass(QUIET_MS - 10);
    t.deepEqual([first, ...others], [[kind], [kind], [kind], [kind]]);
    t.is(it.asked.length, 1);
    await it.pass(20);
    // Whoever keeps the token knows: nothing is reported without a call.
    t.is(it.asked.length, 1);
    it.refuse('/a');
    t.is(it.asked.length, 2);
  });
}

test('if no hub can look into it, all are asked again after a second, and again while calls are refused', async (t) => {
  const it = bench();
  const words = it.refuse();
  await it.asked[0]?.answer({ kind: 'unavailable', errcode: 40164, message: '' });
  t.deepEqual(words, ['unavailable']);
  await it.pass(QUIET_MS + 10);
  t.is(it.asked.length, 2);
  await it.asked[1]?.answer({ kind: 'unavailable', errcode: 40164, message: '' });
  await it.pass(10_000);
  t.is(it.asked.length, 2);
  it.refuse();
  await it.asked[2]?.answer({ kind: 'unavailable', errcode: 40164, message: '' });
  it.refuse();
  await it.pass(QUIET_MS + 10);
  t.is(it.asked.length, 4);
});

test('nobody waits longer than 2.5 s, and the outcome of the report still counts', async (t) => {
  const it = bench();
  const words = it.refuse();
  await it.pass(2_490);
  t.deepEqual(words, []);
  await it.pass(10);
  t.deepEqual(words, ['waiting']);
  await it.asked[0]?.answer({ kind: 'accepted', holdMs: 5_000 });
  const next = it.refuse();
  await it.pass(0);
  t.deepEqual(next, ['held']);
});

test('a call that has waited for a token waits for another one only for the rest of its 2.5 s', async (t) => {
  const it = bench();
  const words: string[] = [];
  const refuse = (fingerprint: string): void =>
    void it.reports.refused(APPID, PATH, fingerprint, 40001, 2_000).then(({ kind }) => words.push(kind));
  refuse(it.token.fingerprint);
  refuse('a-token-of-before');
  await it.pass(490);
  t.deepEqual(words, []);
  await it.pass(10);
  t.deepEqual(words, ['no_replay', 'no_replay']);
});

test('a new token ends the wait for evidence about the old one', async (t) => {
  const it = await lookedInto();
  const words = it.refuse();
  it.token = makeToken('the-second-token', it.clock.monotonicMs(), 7_200_000);
  it.reports.tokenChanged(APPID);
  await it.pass(0);
  await it.asked[1]?.answer({ kind: 'not_current', token: it.token });
  t.deepEqual(words, ['the-second-token']);
});

test('an unusual path is reported by its digest', (t) => {
  const it = bench();
  it.refuse(`/cgi-bin/${'x'.repeat(200)}`);
  it.refuse('/cgi-bin/%E4%BD%A0');
  t.regex(it.asked[0]?.path ?? '', /^sha256:[0-9a-f]{16}$/);
  t.regex(it.asked[1]?.path ?? '', /^sha256:[0-9a-f]{16}$/);
});
