import test from 'ava';
import { given, platformSays, ripple } from '../support/fake-issuer.ts';
import { bench } from '../support/keeper-bench.ts';
import { refusal } from '../support/refusal.ts';

test('the status says what is being done: asking, waiting for the next refresh, retrying, and what to do', async (t) => {
  const { keeper, issuer, clock } = bench();
  t.is(keeper.status().next, 'reading the token store');
  keeper.start();
  await ripple();
  t.is(keeper.status().next, 'asking the platform for a token: the first one');
  await issuer.fetches[0]?.answer(platformSays(40164, { ip: '203.0.113.7' }));
  t.regex(
    keeper.status().next,
    /^retry after 40164 in \d+ s: .*203\.0\.113\.7.*What to do: add it to the IP/,
  );
  clock.advance(90_000);
  await ripple();
  await issuer.fetches[1]?.answer(given('a'));
  t.regex(keeper.status().next, /^refresh ahead of time in (?:11[0-9] min|2 h)$/);
  void keeper.report(refusal(keeper.peek()?.fingerprint ?? ''), 'caller');
  await ripple();
  t.is(keeper.status().next, 'asking the platform for a token: the platform refused the current one');
});
