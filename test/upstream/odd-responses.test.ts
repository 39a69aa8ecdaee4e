import test from 'ava';
import { type Lane, startLane } from '../support/odd-lanes.ts';
import { ODD_ENDINGS } from './odd-endings.ts';
import { ODD_FRAMING } from './odd-framing.ts';
import { ODD_HEADS } from './odd-heads.ts';

const ROWS = [...ODD_HEADS, ...ODD_FRAMING, ...ODD_ENDINGS];

const lanes: Lane[] = [];
const teardowns: (() => unknown)[] = [];

test.before(async () => {
  const t = { teardown: (run: () => unknown): void => void teardowns.push(run) };
  for (const way of ['exchange', 'passing', 'relay', 'ask'] as const) {
    for (const method of ['GET', 'POST'] as const) {
      for (const reused of [false, true]) lanes.push(await startLane(t, way, method, reused));
    }
  }
});

test.after.always(async () => {
  for (const run of teardowns.toReversed()) await run();
});

for (const row of ROWS) {
  test(`${row.name}: what reaches the caller on each route, and whether the connection is kept`, async (t) => {
    const found = await Promise.all(
      lanes.map(async (lane) => {
        const { way, method, reused } = lane;
        const faults = await lane.run(row);
        return faults.map((fault) => `${way} ${method} on a ${reused ? 'used' : 'new'} connection: ${fault}`);
      }),
    );
    t.deepEqual(found.flat(), []);
  });
}
