import test from 'ava';
import { HealingWorld, type HealingOptions } from '../support/healing-world.ts';

const HOUR_MS = 3_600_000;
const GOOD = '/cgi-bin/user/info';

/** A token that dies is replaced within this: the rule's own 5 s, and three calls of ours to the platform. */
const HEALED_MS = 5_000 + 3 * 100;

const WORLDS: readonly (readonly [string, HealingOptions])[] = [
  ['stable', { mode: 'stable' }],
  ['classic', { mode: 'classic' }],
  ['stable, by a hub with 20 sidecars', { mode: 'stable', sidecars: 20 }],
  ['classic, by a hub with 20 sidecars', { mode: 'classic', sidecars: 20 }],
];

/** Endpoints of our list that refuse every token, and are called all the time. */
function badPaths(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `/bad/${index}`);
}

for (const [name, options] of WORLDS) {
  for (const [endpoints, looksMax] of [
    [1, 20],
    [4, 60],
    [50, 200],
  ] as const) {
    test(`${name}: in an hour ${endpoints} endpoints that refuse every token cost at most ${looksMax} looks`, async (t) => {
      const world = await new HealingWorld(options).begin();
      world.refuses = (path) => path.startsWith('/bad/');
      const sidecars = options.sidecars ?? 1;
      for (const path of badPaths(endpoints)) {
        for (let sidecar = 0; sidecar < sidecars; sidecar += 1) world.poll(sidecar, path, 3_000 * sidecars);
      }
      await world.pass(HOUR_MS);
      t.true(world.looks <= looksMax && world.looks >= 5, `${world.looks} looks`);
      await world.close();
    });
  }

  test(`${name}: however many endpoints refuse every token, a dead token is replaced within 5 s`, async (t) => {
    const world = await new HealingWorld(options).begin();
    world.refuses = (path) => path.startsWith('/bad/');
    for (const path of badPaths(10)) world.poll(0, path, 700);
    world.poll((options.sidecars ?? 1) - 1, GOOD, 250);
    for (let death = 0; death < 8; death += 1) {
      await world.pass(40_000 + Math.floor(world.random() * 60_000));
      world.kill();
      const deadMs = world.clock.monotonicMs();
      world.failures.length = 0;
      await world.pass(20_000);
      const last = world.failures.findLast(({ path }) => path === GOOD)?.atMs ?? deadMs;
      t.true(last - deadMs <= HEALED_MS, `healed after ${last - deadMs} ms`);
    }
    await world.close();
  });

  test(`${name}: a path with stray refusals costs at most one look for each, and is healed when the token dies`, async (t) => {
    const world = await new HealingWorld(options).begin();
    let strays = 0;
    world.refuses = () => {
      const isStray = world.random() < 0.02;
      if (isStray) strays += 1;
      return isStray;
    };
    world.poll(0, GOOD, 2_500);
    await world.pass(HOUR_MS);
    t.true(world.looks <= strays, `${world.looks} looks for ${strays} stray refusals`);
    world.refuses = () => false;
    world.poll(0, GOOD, 200);
    await world.pass(1_000);
    world.kill();
    const deadMs = world.clock.monotonicMs();
    world.failures.length = 0;
    await world.pass(10_000);
    t.true((world.failures.at(-1)?.atMs ?? deadMs) - deadMs <= HEALED_MS);
    await world.close();
  });

  test(`${name}: an endpoint that becomes permitted again is healed like any other`, async (t) => {
    const world = await new HealingWorld(options).begin();
    world.refuses = (path) => path === '/was/bad';
    world.poll(0, '/was/bad', 500);
    await world.pass(HOUR_MS / 2);
    world.refuses = () => false;
    await world.pass(5_000);
    world.failures.length = 0;
    world.kill();
    const deadMs = world.clock.monotonicMs();
    await world.pass(20_000);
    t.true((world.failures.at(-1)?.atMs ?? deadMs) - deadMs <= HEALED_MS);
    await world.close();
  });
}

test('a hub with 1,000 sidecars looks no more often than with one', async (t) => {
  const world = await new HealingWorld({ mode: 'stable', sidecars: 1_000 }).begin();
  world.refuses = (path) => path.startsWith('/bad/');
  for (let sidecar = 0; sidecar < 1_000; sidecar += 1) {
    for (const path of badPaths(4)) world.poll(sidecar, path, 60_000);
  }
  await world.pass(HOUR_MS / 4);
  t.true(world.looks <= 60, `${world.looks} looks`);
  world.poll(500, GOOD, 200);
  await world.pass(2_000);
  world.kill();
  const deadMs = world.clock.monotonicMs();
  world.failures.length = 0;
  await world.pass(8_000);
  const last = world.failures.findLast(({ path }) => path === GOOD)?.atMs ?? deadMs;
  t.true(last - deadMs <= HEALED_MS, `healed after ${last - deadMs} ms`);
  await world.close();
});

test('sidecars that report no path are healed within 35 s, and cause at most 140 looks an hour', async (t) => {
  const world = await new HealingWorld({ mode: 'stable', sidecars: 5, namesPaths: false }).begin();
  world.refuses = (path) => path === '/bad/0';
  for (let sidecar = 0; sidecar < 5; sidecar += 1) world.poll(sidecar, '/bad/0', 1_000);
  await world.pass(HOUR_MS);
  t.true(world.looks <= 140 && world.looks > 100, `${world.looks} looks`);
  world.poll(0, GOOD, 200);
  await world.pass(3_000);
  world.kill();
  const deadMs = world.clock.monotonicMs();
  world.failures.length = 0;
  await world.pass(60_000);
  const last = world.failures.findLast(({ path }) => path === GOOD)?.atMs ?? deadMs;
  t.true(last - deadMs <= 35_000, `healed after ${last - deadMs} ms`);
  await world.close();
});
