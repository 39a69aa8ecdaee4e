import test from 'ava';
import { EMPTY, MODEL, recordOf } from '../support/store-model.ts';
import { TwinStores } from '../support/twin-stores.ts';

const ACCOUNT = { appid: 'wx0123456789abcdef', mode: 'classic' } as const;

test('a pause that may or may not have ended before the next one leaves two times at which the next may end', async (t) => {
  for (const leftMs of [1, 10]) {
    let nowMs = 1_000_000;
    const twins = new TwinStores(() => Promise.resolve(nowMs));
    const publish = (generation: number): Promise<unknown> => {
      const command = MODEL.publish(recordOf('any', generation, nowMs), { owner: 'one/1', forMs: 10 });
      return twins.act<'stored' | 'older'>(ACCOUNT, () => Promise.resolve('stored'), command);
    };
    await publish(1);
    nowMs += 9;
    await publish(2);
    const place = { lease: { isOurs: false, leftMs }, owner: 'nobody' };
    const { answer: seen } = MODEL.read()({ ...EMPTY, record: recordOf('any', 2, nowMs) }, nowMs);
    const read = twins.act(ACCOUNT, () => Promise.resolve({ ...seen, ...place }), MODEL.read());
    await t.notThrowsAsync(read);
  }
});

test('two forced refreshes within one millisecond are one, and may be two to the model', async (t) => {
  let nowMs = 1_000_000;
  const twins = new TwinStores(() => Promise.resolve(nowMs));
  const addForced = (): Promise<boolean> =>
    twins.act(
      ACCOUNT,
      () => {
        nowMs = 1_000_001;
        return Promise.resolve(true);
      },
      MODEL.addForced([2_000_000]),
    );
  await addForced();
  await addForced();
  const { answer } = MODEL.read()({ ...EMPTY, forced: [nowMs] }, nowMs);
  await t.notThrowsAsync(twins.act(ACCOUNT, () => Promise.resolve(answer), MODEL.read()));
});
