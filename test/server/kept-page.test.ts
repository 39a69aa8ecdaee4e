import test from 'ava';
import { KeptPage } from '../../src/server/kept-page.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('a page is written again as often as its rate allows; beyond that the last one is returned', async (t) => {
  const clock = new ManualClock();
  let written = 0;
  const page = new KeptPage(() => `page ${(written += 1)}`, { burst: 3, refillMs: 500 }, clock);
  const read = async (): Promise<string> => (await page.bytes()).toString();
  const first = [await read(), await read(), await read(), await read()];
  t.deepEqual(first, ['page 1', 'page 2', 'page 3', 'page 4']);
  t.is(await read(), 'page 4');
  clock.advance(500);
  t.is(await read(), 'page 5');
  t.is(await read(), 'page 5');
});

test('requests while it is being written wait for the same page, and a failure is not kept', async (t) => {
  const waiting: ((text: string) => void)[] = [];
  const page = new KeptPage(
    () => new Promise((resolve) => waiting.push(resolve)),
    { burst: 9, refillMs: 500 },
    new ManualClock(),
  );
  const both = [page.bytes(), page.bytes()];
  t.is(waiting.length, 1);
  waiting[0]?.('one');
  t.deepEqual((await Promise.all(both)).map(String), ['one', 'one']);
  let fails = true;
  const failing = new KeptPage(
    () => (fails ? Promise.reject(new Error('a fault')) : 'well'),
    { burst: 0, refillMs: 500 },
    new ManualClock(),
  );
  await t.throwsAsync(failing.bytes());
  fails = false;
  t.is(String(await failing.bytes()), 'well');
});
