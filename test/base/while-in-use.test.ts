import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { whileInUse } from '../../src/base/while-in-use.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

test('what is in use is made once', async (t) => {
  let made = 0;
  const numbered = whileInUse(() => ({ number: (made += 1) }));
  const first = numbered();
  await sleep(0);
  gc();
  t.true(numbered() === first);
  t.is(made, 1);
});

test('what nothing refers to is made anew, after the garbage collector has taken it', async (t) => {
  let made = 0;
  const numbered = whileInUse(() => ({ number: (made += 1) }));
  t.is(numbered().number, 1);
  t.is(numbered().number, 1);
  // To the end of the job, the engine keeps what a WeakRef was made of.
  await sleep(0);
  gc();
  t.is(numbered().number, 2);
});
