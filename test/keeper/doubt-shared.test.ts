import test from 'ava';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import type { TokenMode } from '../../src/token/token.ts';
import type { FetchOutcome, Issuer, ProbeOutcome } from '../../src/wechat/issuer.ts';
import { given, platformSays, ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { refusal } from '../support/refusal.ts';
import { type Holder, makeHolder, SharedMemory } from '../support/shared-store.ts';

// During a roll-out it is normal that a hub's address is not on the IP list, or that a hub has an older
// secret. Such a hub once returned the reported token to the reporter, and the hub that could refresh was
// not asked.

const APPID = 'wxshared';

/** All errcodes of the token endpoints that only people can fix. */
const CONFIGURATION = [
  40001, 40002, 40013, 40125, 40164, 40243, 41002, 41004, 45009, 50004, 50007, 61024, 89501, 89503, 89506,
];

interface Hubs {
  readonly clock: ManualClock;
  readonly hubs: readonly Holder[];
  /** The hubs, by index, that the platform refuses, and the errcode. */
  readonly refused: Map<number, number>;
  asked: number;
  kill(): void;
  pass(forMs: number): Promise<void>;
  current(): string;
}

async function startHubs(mode: TokenMode, count: number): Promise<Hubs> {
  const clock = new ManualClock();
  const memory = new SharedMemory(clock);
  let current = 'a-token-of-the-platform-1';
  let isDead = false;
  const refused = new Map<number, number>();
  const issuerOf = (index: number): Issuer => ({
    fetch(_, force): Promise<FetchOutcome> {
      it.asked += 1;
      const errcode = refused.get(index);
      if (errcode !== undefined) return Promise.resolve(platformSays(errcode));
      if (force || mode === 'classic') {
        current = `a-token-of-the-platform-${it.asked + 1}`;
        isDead = false;
      }
      return Promise.resolve(given(current));
    },
    probe(token): Promise<ProbeOutcome> {
      it.asked += 1;
      const isAccepted = !isDead && token.value.reveal() === current;
      return Promise.resolve(isAccepted ? { kind: 'accepted' } : { kind: 'refused', errcode: 40001 });
    },
  });
  const app = { appid: APPID, secret: new Secret('s'), mode };
  const hubs = Array.from({ length: count }, (_, index) =>
    makeHolder(`hub${index}`, memory, { app, issuer: issuerOf(index), clock, seed: index + 1 }),
  );
  const it: Hubs = {
    clock,
    hubs,
    refused,
    asked: 0,
    kill: () => void (isDead = true),
    async pass(forMs) {
      for (let left = forMs; left > 0; left -= 50) {
        clock.advance(50);
        await ripple();
      }
    },
    current: () => current,
  };
  for (const { keepers } of hubs) {
    keepers.start();
    await it.pass(1_000);
  }
  return it;
}

function tokenOf(hub: Holder | undefined): string | undefined {
  return hub?.keepers.peek(APPID)?.value.reveal();
}

for (const mode of ['stable', 'classic'] as const) {
  for (const count of [2, 3]) {
    for (const errcode of CONFIGURATION) {
      test(`${mode}, ${count} hubs: one that gets ${errcode} reports it within 1.5 s, and another one replaces the token`, async (t) => {
        for (const able of [0, count - 1]) {
          const it = await startHubs(mode, count);
          const dead = it.current();
          it.kill();
          for (let index = 0; index < count; index += 1) if (index !== able) it.refused.set(index, errcode);
          const unable = it.hubs[able === 0 ? count - 1 : 0];
          const report = unable?.keepers.report(APPID, refusal(fingerprintOf(dead)));
          await it.pass(1_500);
          t.like(await report, { kind: 'unavailable', errcode });
          // Nobody reported to the working hub: it learned of the doubt from the store.
          await it.pass(4_000);
          t.not(it.current(), dead);
          for (const hub of it.hubs) t.is(tokenOf(hub), it.current());
        }
      });
    }
  }

  test(`${mode}: a hub that does not know a reported token yet reads it from the store immediately`, async (t) => {
    const it = await startHubs(mode, 2);
    const [ahead, behind] = it.hubs;
    if (behind !== undefined) behind.link.isDeaf = true;
    it.kill();
    const renewal = ahead?.keepers.report(APPID, refusal(fingerprintOf(it.current())));
    await it.pass(500);
    t.like(await renewal, { kind: 'renewed' });
    const dead = it.current();
    t.not(tokenOf(behind), dead);
    it.kill();
    t.like(await behind?.keepers.report(APPID, refusal(fingerprintOf(dead))), { kind: 'not_current' });
    await it.pass(50);
    t.is(tokenOf(behind), dead);
    const report = behind?.keepers.report(APPID, refusal(fingerprintOf(dead)));
    await it.pass(1_000);
    // Two forced refreshes are half a minute apart.
    t.like(await report, { kind: mode === 'stable' ? 'waiting' : 'renewed' });
    t.is(it.current() === dead, mode === 'stable');
  });

  test(`${mode}: however many reports there are of an unknown token, the store is read once a second`, async (t) => {
    const it = await startHubs(mode, 2);
    const hub = it.hubs[0] as Holder;
    let reads = 0;
    const read = hub.link.read.bind(hub.link);
    hub.link.read = (account) => {
      reads += 1;
      return read(account);
    };
    for (let index = 0; index < 100; index += 1) {
      const answer = await hub.keepers.report(APPID, refusal(fingerprintOf(`nobody's ${index}`)));
      t.like(answer, { kind: 'not_current' });
    }
    t.is(reads, 1);
    t.like(await hub.keepers.report(APPID, refusal(fingerprintOf(it.current()))), { kind: 'accepted' });
    t.true(reads <= 2);
  });

  test(`${mode}: if no hub can refresh, each reports so at once, and the platform is not asked repeatedly`, async (t) => {
    const it = await startHubs(mode, 3);
    const dead = it.current();
    it.kill();
    for (let index = 0; index < 3; index += 1) it.refused.set(index, 40164);
    for (const hub of it.hubs) {
      const report = hub.keepers.report(APPID, refusal(fingerprintOf(dead)));
      await it.pass(1_500);
      t.like(await report, { kind: 'unavailable', errcode: 40164 });
    }
    const { asked } = it;
    for (let second = 0; second < 30; second += 1) {
      const reports = it.hubs.map((hub) => hub.keepers.report(APPID, refusal(fingerprintOf(dead))));
      await it.pass(1_000);
      for (const answer of await Promise.all(reports)) t.is(answer.kind, 'unavailable');
    }
    t.is(it.asked, asked);
    it.refused.clear();
    await it.pass(70_000);
    for (const hub of it.hubs) t.not(tokenOf(hub), dead);
  });
}

test('classic: a hub that has lost its store answers a report with an error, because it must not refresh alone', async (t) => {
  const it = await startHubs('classic', 2);
  const dead = it.current();
  it.kill();
  it.hubs[0]?.link.cut();
  const report = it.hubs[0]?.keepers.report(APPID, refusal(fingerprintOf(dead)));
  await it.pass(1_500);
  t.like(await report, { kind: 'unavailable' });
});
