import test from 'ava';
import { refusal } from '../support/refusal.ts';
import { silentLog } from '../../src/base/log.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { type Keepers, makeKeepers } from '../../src/keeper/keepers.ts';
import { memoryStore } from '../../src/store/store.ts';
import type { Credentials } from '../../src/wechat/issuer.ts';
import { type FakeIssuer, given, makeFakeIssuer, platformSays, ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

const SHOP: Credentials = { appid: 'wxshop', secret: new Secret('one'), mode: 'stable' };
const BLOG: Credentials = { appid: 'wxblog', secret: new Secret('two'), mode: 'classic' };

async function begun(apps: readonly Credentials[]): Promise<{ keepers: Keepers; issuer: FakeIssuer }> {
  const issuer = makeFakeIssuer();
  const random = (): number => 0.5;
  const clock = new ManualClock();
  const keepers = makeKeepers({ apps, issuer, store: memoryStore, clock, random, log: silentLog });
  keepers.start();
  await ripple();
  return { keepers, issuer };
}

async function answerAll(issuer: FakeIssuer, name: string): Promise<void> {
  for (const call of issuer.fetches) await call.answer(given(`${name} ${call.app?.appid}`));
}

test('each account has its own token', async (t) => {
  const { keepers, issuer } = await begun([SHOP, BLOG]);
  await answerAll(issuer, 'token of');
  t.deepEqual(keepers.appids(), ['wxshop', 'wxblog']);
  t.is(keepers.peek('wxshop')?.value.reveal(), 'token of wxshop');
  const answer = await keepers.token('wxblog');
  t.is(answer.kind === 'token' && answer.token.value.reveal(), 'token of wxblog');
});

test('an account that is not configured has no token, and none is fetched', async (t) => {
  const { keepers, issuer } = await begun([SHOP]);
  for (const answer of [
    await keepers.token('wxother'),
    await keepers.report('wxother', refusal('0123456789abcdef', 40001)),
    await keepers.refreshNow('wxother'),
  ]) {
    t.like(answer, { kind: 'unavailable', errcode: 40013 });
  }
  t.is(keepers.peek('wxother'), undefined);
  t.false(keepers.tried('wxother') || keepers.hasHadToken('wxother'));
  t.is(issuer.fetches.length, 1);
});

test('the current and the previous tokens are found by their fingerprints', async (t) => {
  const { keepers, issuer } = await begun([SHOP, BLOG]);
  await answerAll(issuer, 'first');
  void keepers.report('wxshop', refusal(fingerprintOf('first wxshop'), 40001));
  await issuer.fetches[2]?.answer(given('second'));
  t.is(keepers.ownerOf(fingerprintOf('first wxshop')), 'wxshop');
  t.is(keepers.ownerOf(fingerprintOf('second')), 'wxshop');
  t.is(keepers.ownerOf(fingerprintOf('first wxblog')), 'wxblog');
  t.is(keepers.ownerOf(fingerprintOf('foreign')), undefined);
});

test('an account counts as tried after its first fetch, and as ready after its first token', async (t) => {
  const { keepers, issuer } = await begun([SHOP]);
  t.false(keepers.tried('wxshop'));
  await issuer.fetches[0]?.answer(platformSays(40125));
  t.true(keepers.tried('wxshop'));
  t.false(keepers.hasHadToken('wxshop'));
});

test('new settings add, remove and change accounts and do not affect the others', async (t) => {
  const { keepers, issuer } = await begun([SHOP, BLOG]);
  await answerAll(issuer, 'first');
  const added: Credentials = { appid: 'wxnew', secret: new Secret('three'), mode: 'stable' };
  keepers.reconfigure([{ ...SHOP, secret: new Secret('one') }, added]);
  await ripple();
  t.deepEqual(keepers.appids(), ['wxshop', 'wxnew']);
  t.deepEqual(
    issuer.fetches.slice(2).map(({ app }) => app?.appid),
    ['wxnew'],
  );
  t.is(keepers.peek('wxblog'), undefined);
  t.is(keepers.ownerOf(fingerprintOf('first wxblog')), undefined);
  keepers.reconfigure([{ ...SHOP, secret: new Secret('rotated') }, added]);
  t.is(issuer.fetches[3]?.app?.secret.reveal(), 'rotated');
  t.is(keepers.peek('wxshop')?.value.reveal(), 'first wxshop');
});

test('closing flushes pending writes to the store', async (t) => {
  let isClosed = false;
  const store = {
    ...memoryStore,
    close: async () => {
      isClosed = true;
    },
  };
  const keepers = makeKeepers({
    apps: [SHOP],
    issuer: makeFakeIssuer(),
    store,
    clock: new ManualClock(),
    random: () => 0,
    log: silentLog,
  });
  keepers.start();
  await keepers.close();
  t.true(isClosed);
});
