import test from 'ava';
import { refusal } from '../support/refusal.ts';
import { HubAccount } from '../../src/hub-client/account.ts';
import type { TokenOutcome } from '../../src/hub-client/outcome.ts';
import type { HubToken } from '../../src/hub-api/read.ts';
import type { Refusal, ReportAnswer, TokenAnswer } from '../../src/token/source.ts';
import { makeToken } from '../../src/token/token.ts';
import { ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Asked {
  readonly report: Refusal | undefined;
  answer(outcome: TokenOutcome): Promise<void>;
}

function startAccount(): {
  clock: ManualClock;
  account: HubAccount;
  asked: Asked[];
  tokens: string[];
  /** A token that the hub issued that long ago. */
  issued(value: string, agedMs?: number): HubToken;
  /** Values of what callers got so far; an unavailable one's message. */
  collect(answers: Promise<TokenAnswer | ReportAnswer>[]): string[];
} {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const tokens: string[] = [];
  const account = new HubAccount({
    ask: (report) =>
      new Promise((resolve) => {
        asked.push({
          report,
          answer(outcome) {
            resolve(outcome);
            return ripple();
          },
        });
      }),
    onToken: ({ value }) => tokens.push(value.reveal()),
    onUnknown: () => tokens.push('unknown'),
    clock,
    random: () => 0.5,
  });
  return {
    clock,
    account,
    asked,
    tokens,
    issued: (value, agedMs = 0) => ({
      appid: 'wx1',
      token: makeToken(value, clock.monotonicMs() - agedMs, 7_200_000),
    }),
    collect(answers) {
      const got: string[] = [];
      for (const answer of answers) {
        void answer.then((it) => got.push(it.kind === 'unavailable' ? it.message : it.token.value.reveal()));
      }
      return got;
    },
  };
}

const away: TokenOutcome = {
  kind: 'none',
  why: { kind: 'unavailable', errcode: -1, message: 'away' },
  next: 'soon',
  restMs: 0,
};

test('many callers that need the first token cause one request', async (t) => {
  const { account, asked, issued, collect } = startAccount();
  const got = collect(Array.from({ length: 50 }, () => account.token()));
  t.is(asked.length, 1);
  await asked[0]?.answer({ kind: 'token', got: issued('one') });
  t.deepEqual(new Set(got), new Set(['one']));
  t.is(got.length, 50);
});

test('a token that was already replaced is resolved without a request', async (t) => {
  const { account, asked, issued } = startAccount();
  account.take(issued('one', 1_000));
  account.take(issued('two'));
  const answer = await account.report(refusal(issued('one').token.fingerprint, 42001));
  t.is(answer.kind === 'not_current' && answer.token.value.reveal(), 'two');
  t.is(asked.length, 0);
});

test('a new token from the watch resolves all reports of the old one', async (t) => {
  const { account, asked, issued, collect } = startAccount();
  account.take(issued('one', 1_000));
  const { fingerprint } = issued('one').token;
  const got = collect([
    account.report(refusal(fingerprint, 40001, '/a', true)),
    account.report(refusal(fingerprint, 42001, '/b')),
  ]);
  t.deepEqual(
    asked.map(({ report }) => report),
    [refusal(fingerprint, 40001, '/a', true), refusal(fingerprint, 42001, '/b')],
  );
  account.take(issued('two'));
  await ripple();
  t.deepEqual(got, ['two', 'two']);
  await asked[0]?.answer({ kind: 'token', got: issued('two') });
  t.is(account.peek()?.value.reveal(), 'two');
});

for (const [told, expected] of [
  [
    { outcome: 'accepted', holdMs: 4_000, retryMs: undefined },
    { kind: 'accepted', holdMs: 4_000 },
  ],
  [
    { outcome: 'held', holdMs: 9, retryMs: undefined },
    { kind: 'held', holdMs: 9 },
  ],
  [
    { outcome: 'waiting', holdMs: undefined, retryMs: 7 },
    { kind: 'waiting', retryMs: 7 },
  ],
  [
    { outcome: 'rationed', holdMs: undefined, retryMs: undefined },
    { kind: 'rationed', retryMs: 1_000 },
  ],
  // The hub is behind: it has not heard of our token yet.
  [
    { outcome: 'not_current', holdMs: undefined, retryMs: undefined },
    { kind: 'waiting', retryMs: 1_000 },
  ],
  // Version 0.1 of the hub says nothing of the report.
  [undefined, { kind: 'accepted', holdMs: 2_000 }],
] as const) {
  test(`a report that the hub answers with ${told?.outcome ?? 'no outcome'} is ${expected.kind}`, async (t) => {
    const { account, asked, issued } = startAccount();
    account.take(issued('one', 1_000));
    const answer = account.report(refusal(issued('one').token.fingerprint));
    await asked[0]?.answer({
      kind: 'token',
      got: issued('one', 1_000),
      ...(told !== undefined && { report: told }),
    });
    t.like(await answer, expected);
  });
}

test('nobody waits longer than 2.5 s, and a late response serves the next call', async (t) => {
  const { clock, account, asked, issued, collect } = startAccount();
  account.take(issued('one', 1_000));
  const got = collect([account.report(refusal(issued('one').token.fingerprint, 40001))]);
  clock.advance(2_499);
  await ripple();
  t.deepEqual(got, []);
  clock.advance(1);
  await ripple();
  t.deepEqual(got, ['one']);
  await asked[0]?.answer({ kind: 'token', got: issued('two') });
  t.is(account.peek()?.value.reveal(), 'two');
});

test('an unavailable hub is asked a few times while callers wait, and the copy is served until it expires', async (t) => {
  const { clock, account, asked, issued, collect } = startAccount();
  account.take(issued('one', 7_198_000));
  t.deepEqual(collect([account.token()]), []);
  clock.advance(1_999);
  t.is(account.peek()?.value.reveal(), 'one');
  clock.advance(1);
  t.is(account.peek(), undefined);
  const got = collect([account.token()]);
  for (let i = 0; i < 40; i++) {
    await asked.at(-1)?.answer(away);
    clock.advance(100);
    await ripple();
  }
  t.deepEqual(got, ['away']);
  t.true(asked.length >= 3 && asked.length <= 12, `${asked.length} questions`);
});

test('a hub that says when to come back is not asked before', async (t) => {
  const { clock, account, asked, collect } = startAccount();
  const got = collect([account.token()]);
  await asked[0]?.answer({ ...away, restMs: 20_000 });
  t.deepEqual(got, ['away']);
  clock.advance(19_999);
  await account.token();
  t.is(asked.length, 1);
  clock.advance(1);
  void account.token();
  t.is(asked.length, 2);
});

test('an account that the hub does not know is reported, and not requested again for a second', async (t) => {
  const { clock, account, asked, tokens, collect } = startAccount();
  const got = collect([account.token()]);
  await asked[0]?.answer({ ...away, next: 'unknown' });
  t.deepEqual(got, ['away']);
  t.deepEqual(tokens, ['unknown']);
  await account.token();
  t.is(asked.length, 1);
  clock.advance(1_000);
  void account.token();
  t.is(asked.length, 2);
});

test('an older token never replaces a newer one, unless the newer one was refused', async (t) => {
  const { account, asked, issued, tokens } = startAccount();
  account.take(issued('new', 1_000));
  account.take(issued('old', 5_000));
  t.deepEqual(tokens, ['new']);
  const { fingerprint } = issued('new').token;
  void account.report(refusal(fingerprint, 40001));
  t.is(asked.length, 1);
  account.take(issued('newest', 9_000));
  account.take(issued('new', 1_000));
  t.deepEqual(tokens, ['new', 'newest']);
});

test('a refused token is not accepted again from a hub that still sends it', async (t) => {
  const { account, asked, issued, tokens } = startAccount();
  account.take(issued('one', 1_000));
  const { fingerprint } = issued('one').token;
  void account.report(refusal(fingerprint, 40001));
  await asked[0]?.answer({ kind: 'token', got: issued('two') });
  // Within what hubs may differ by, as another one tells it.
  account.take(issued('one', 1_000));
  t.deepEqual(tokens, ['one', 'two']);
});

test('a refused token that was replaced is not accepted again when its successor is refused too', async (t) => {
  const { account, asked, tokens, issued } = startAccount();
  account.take(issued('dead', 60_000));
  void account.report(refusal(issued('dead').token.fingerprint));
  await asked[0]?.answer({ kind: 'token', got: issued('good') });
  void account.report(refusal(issued('good').token.fingerprint));
  // Of a hub that had not heard of the new token when it was asked.
  account.take(issued('dead', 60_000));
  t.deepEqual(tokens, ['dead', 'good']);
  account.take(issued('other', 60_000));
  t.deepEqual(tokens, ['dead', 'good', 'other']);
});

test('a report that was lost while the hub was unavailable is repeated once the hub sends that token again', async (t) => {
  const { clock, account, asked, issued } = startAccount();
  account.take(issued('one', 1_000));
  const { fingerprint } = issued('one').token;
  account.reportAgain(fingerprint);
  t.is(asked.length, 0);
  void account.report(refusal(fingerprint, 42001));
  clock.advance(2_500);
  await asked[0]?.answer(away);
  account.take(issued('one', 1_000));
  account.reportAgain(fingerprint);
  t.is(asked.length, 2);
  t.is(asked[1]?.report?.fingerprint, fingerprint);
});

test('a report of a token that the hub did not know yet is repeated once the hub has it', async (t) => {
  const { account, asked, issued } = startAccount();
  account.take(issued('old', 9_000));
  account.take(issued('new', 1_000));
  const { fingerprint } = issued('new').token;
  const answer = account.report(refusal(fingerprint));
  const report = { outcome: 'not_current', holdMs: undefined, retryMs: undefined } as const;
  await asked[0]?.answer({ kind: 'token', got: issued('old', 9_000), report });
  t.like(await answer, { kind: 'waiting' });
  t.is(account.peek()?.fingerprint, fingerprint);
  account.take(issued('new', 1_000));
  account.reportAgain(fingerprint);
  t.is(asked[1]?.report?.fingerprint, fingerprint);
});

test('a replaced token is not accepted again from a hub that is behind, unless it is the newer one', async (t) => {
  const { account, asked, issued, tokens } = startAccount();
  const [one, two] = [issued('one', 60_000), issued('two', 1_000)];
  account.take(one);
  account.take(two);
  // An endpoint refuses the new token too, and the hub that is asked does not know it yet.
  void account.report(refusal(two.token.fingerprint));
  await asked[0]?.answer({ kind: 'token', got: one });
  t.deepEqual(tokens, ['one', 'two']);

  const other = startAccount();
  other.account.take(two);
  void other.account.report(refusal(two.token.fingerprint));
  await other.asked[0]?.answer({ kind: 'token', got: one });
  void other.account.report(refusal(one.token.fingerprint));
  await other.asked[1]?.answer({ kind: 'token', got: two });
  t.deepEqual(other.tokens, ['two', 'one', 'two']);
});

test('of two tokens of about the same age, the one before counts only if the hub still sends it a while later', async (t) => {
  const { account, asked, clock, issued, tokens } = startAccount();
  const [one, two] = [issued('one', 1_000), issued('two', 1_000)];
  account.take(one);
  account.take(two);
  void account.report(refusal(two.token.fingerprint));
  await asked[0]?.answer({ kind: 'token', got: one });
  t.deepEqual(tokens, ['one', 'two']);

  clock.advance(2_500);
  void account.report(refusal(two.token.fingerprint));
  await asked[1]?.answer({ kind: 'token', got: one });
  t.deepEqual(tokens, ['one', 'two', 'one']);
});
