import { readFileSync } from 'node:fs';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { CONTROL_PAGE } from '../../src/simulator/control-page.ts';
import { DEFAULT_KNOBS } from '../../src/simulator/knobs.ts';

const page = readFileSync('docs/simulator.md', 'utf8');

test('the documentation names every knob, every control call and the account', (t) => {
  for (const knob of Object.keys(DEFAULT_KNOBS)) t.true(page.includes(`\`${knob}\``), knob);
  const calls = CONTROL_PAGE.match(/(?<=\/__sim\/)\w+/g) ?? [];
  t.true(calls.length > 15);
  for (const call of calls) t.regex(page, new RegExp(`(\\$S|/__sim)/${call}\\b`), call);
  t.true(page.includes(DEMO_APP.appid));
  t.true(page.includes(DEMO_APP.secret));
});
