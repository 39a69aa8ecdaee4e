import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import { keepTickets, type KeptTickets } from '../../src/keeper/tickets.ts';
import type { TokenAnswer } from '../../src/token/source.ts';
import { makeToken } from '../../src/token/token.ts';
import type { AskOutcome } from '../../src/wechat/ask.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Bench {
  readonly clock: ManualClock;
  readonly tickets: KeptTickets;
  /** The platform's response from now on. */
  says: AskOutcome | (() => AskOutcome | Promise<AskOutcome>);
  asked: number;
}

function bench(): Bench {
  const clock = new ManualClock();
  const token = (): Promise<TokenAnswer> =>
    Promise.resolve({ kind: 'token', token: makeToken('a-token', clock.monotonicMs(), 7_200_000) });
  const made: Bench = {
    clock,
    asked: 0,
    says: answer({ errcode: 0, errmsg: 'ok', ticket: 'ticket-one', expires_in: 7_200 }),
    tickets: keepTickets({
      tokens: {
        token,
        report: () => token().then((it) => (it.kind === 'token' ? { ...it, kind: 'not_current' } : it)),
      },
      ask() {
        made.asked += 1;
        return Promise.resolve(typeof made.says === 'function' ? made.says() : made.says);
      },
      clock,
      random: seededRandom(1),
      log: silentLog,
    }),
  };
  return made;
}

function answer(content: object): AskOutcome {
  return { kind: 'answer', status: 200, body: Buffer.from(JSON.stringify(content)) };
}

async function valueOf(tickets: KeptTickets): Promise<string> {
  const got = await tickets.ticket('wxone', 'jsapi');
  return got.kind === 'ticket' ? got.ticket.value.reveal() : `errcode ${got.errcode}`;
}

/** Lets the promises of a renewal that a timer has started settle. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function says(ticket: string, expiresIn: number): AskOutcome {
  return answer({ errcode: 0, errmsg: 'ok', ticket, expires_in: expiresIn });
}

const refused: AskOutcome = { kind: 'failed', sent: false, reason: 'ECONNREFUSED' };

test('a ticket is renewed when at least 1,800 s are left, and nobody waits for it', async (t) => {
  const made = bench();
  t.is(await valueOf(made.tickets), 'ticket-one');
  made.says = says('ticket-two', 7_200);
  made.clock.advance(5_090_000);
  await settle();
  t.is(made.asked, 1);
  made.clock.advance(310_000);
  await settle();
  t.is(made.asked, 2);
  t.is(await valueOf(made.tickets), 'ticket-two');
});

test('a ticket that arrives with little life left is replaced by a fresh one within two seconds', async (t) => {
  const made = bench();
  made.says = says('ticket-old', 1_502);
  t.is(await valueOf(made.tickets), 'ticket-old');
  made.says = says('ticket-new', 7_200);
  made.clock.advance(1_999);
  t.is(await valueOf(made.tickets), 'ticket-old');
  t.is(made.asked, 1);
  made.clock.advance(1);
  t.is(await valueOf(made.tickets), 'ticket-new');
  t.is(made.asked, 2);
});

test('a caller waits for a fresh ticket if the current one has little life left', async (t) => {
  const made = bench();
  made.says = says('ticket-old', 7_200);
  await valueOf(made.tickets);
  // It was not renewed because nobody had used it for a long time.
  const { clock } = made;
  const lifeMs = clock.monotonicMs.bind(clock);
  clock.monotonicMs = () => lifeMs() + 6_000_000;
  made.says = says('ticket-new', 7_200);
  const answers = await Promise.all([1, 2, 3].map(() => valueOf(made.tickets)));
  t.deepEqual(answers, ['ticket-new', 'ticket-new', 'ticket-new']);
  t.is(made.asked, 2);
});

test('a platform that hangs delays the callers of a ticket with little life left by 2.5 s once, then by half a second', async (t) => {
  const made = bench();
  made.says = says('ticket-old', 1_000);
  await valueOf(made.tickets);
  made.clock.advance(1_999);
  let hung: (outcome: AskOutcome) => void = () => {};
  made.says = () => new Promise((resolve) => (hung = resolve));
  made.clock.advance(1);
  await settle();
  t.is(made.asked, 2);
  t.is(await heldFor(made), 2_500);
  hung(refused);
  await settle();
  made.clock.advance(2_000);
  await settle();
  t.is(await heldFor(made), 500);
});

/** How long a caller waits before it gets the old ticket. */
async function heldFor(made: Bench): Promise<number> {
  let served: string | undefined;
  void valueOf(made.tickets).then((value) => (served = value));
  for (let ms = 0; ms < 10_000; ms += 100) {
    await settle();
    if (served !== undefined) return served === 'ticket-old' ? ms : NaN;
    made.clock.advance(100);
  }
  return NaN;
}

test('an errcode that a retry does not change pauses fetches for a minute, and the current ticket is served', async (t) => {
  const made = bench();
  made.says = says('ticket-old', 1_000);
  await valueOf(made.tickets);
  made.says = answer({ errcode: 45009, errmsg: 'reach max api daily quota limit' });
  made.clock.advance(2_000);
  for (let second = 0; second < 59; second++) {
    t.is(await valueOf(made.tickets), 'ticket-old');
    made.clock.advance(1_000);
  }
  t.is(made.asked, 2);
});

test('while renewals fail the ticket is served until it expires, not longer', async (t) => {
  const made = bench();
  await valueOf(made.tickets);
  made.says = { kind: 'failed', sent: false, reason: 'ECONNREFUSED' };
  for (let minute = 0; minute < 119; minute++) {
    made.clock.advance(60_000);
    await settle();
  }
  t.true(made.asked > 2);
  t.is(await valueOf(made.tickets), 'ticket-one');
  made.clock.advance(120_000);
  await settle();
  t.is(await valueOf(made.tickets), 'errcode -1');
});

test('if the platform returns the same ticket again, it is asked again at a limited rate', async (t) => {
  const made = bench();
  await valueOf(made.tickets);
  const endMs = made.clock.monotonicMs() + 7_200_000;
  made.says = () =>
    answer({
      errcode: 0,
      ticket: 'ticket-one',
      expires_in: Math.max(1, Math.floor((endMs - made.clock.monotonicMs()) / 1_000)),
    });
  for (let step = 0; step < 7_190; step++) {
    made.clock.advance(1_000);
    await settle();
  }
  t.true(made.asked > 3 && made.asked < 40, `${made.asked}`);
  t.is(await valueOf(made.tickets), 'ticket-one');
});

test('a ticket that nobody uses any more is not renewed for ever', async (t) => {
  const made = bench();
  await valueOf(made.tickets);
  for (let hour = 0; hour < 60; hour++) {
    made.clock.advance(3_600_000);
    await settle();
  }
  t.true(made.asked <= 13, `${made.asked}`);
});

test('malformed responses are not used as tickets', async (t) => {
  for (const body of [
    '',
    '<html>',
    '{}',
    '{"ticket":1}',
    '{"ticket":"x","expires_in":0}',
    '{"ticket":"a b","expires_in":9}',
  ]) {
    const made = bench();
    made.says = { kind: 'answer', status: 200, body: Buffer.from(body) };
    t.is(await valueOf(made.tickets), 'errcode -1', body);
  }
});
