import test, { type ExecutionContext } from 'ava';
import { type Log, silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { RedisRecords } from '../../src/store/redis-records.ts';
import { makeTokenCipher } from '../../src/store/cipher.ts';
import { patientClock } from '../support/patient-clock.ts';
import { freePort } from '../support/free-port.ts';
import { type RedisServer, serialRedisTest, until } from '../support/redis.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { documentedRights } from '../support/redis-rights.ts';

const ACCOUNTS = Array.from({ length: 12 }, (_, index) => ({
  appid: `wx${index}`,
  mode: 'classic' as const,
}));

function open(t: ExecutionContext, url: string, log: Log = silentLog): RedisRecords {
  const records = new RedisRecords({
    target: { url: new Secret(url), sentinels: [], cluster: true },
    keyPrefix: 'test:',
    cipher: makeTokenCipher(undefined),
    clock: patientClock,
    random: systemRandom,
    log,
  });
  t.teardown(() => records.close());
  return records;
}

async function answered(records: RedisRecords, accounts = ACCOUNTS): Promise<readonly boolean[]> {
  const seen = await Promise.all(accounts.map((account) => records.read(account)));
  return seen.map(({ kind }) => kind === 'seen');
}

async function allAnswered(records: RedisRecords): Promise<boolean> {
  return (await answered(records)).every(Boolean);
}

function record(generation: number): Parameters<RedisRecords['publish']>[1] {
  const times = { issuedAtUnixMs: Date.now(), expiresAtUnixMs: Date.now() + 1_000_000 };
  return { generation, value: new Secret('a'), fingerprint: fingerprintOf('a'), ...times };
}

serialRedisTest('records go to the node with their slot, and publications of all nodes arrive', async (t) => {
  const nodes = await startCluster(t);
  const [one, other] = [open(t, nodes[0].url()), open(t, nodes[0].url())];
  const told = new Set<string>();
  other.listen({ changed: (account) => told.add(account.appid), connected() {}, disconnected() {} });
  await until('all nodes answer', async () => (await allAnswered(one)) && allAnswered(other));
  const taken = await Promise.all(ACCOUNTS.map((account) => one.acquire(account, 'one/1', 0, 8_000)));
  t.true(taken.every((it) => it.kind === 'seen' && it.generation !== undefined));
  const rival = await Promise.all(ACCOUNTS.map((account) => other.acquire(account, 'other/1', 0, 8_000)));
  t.true(rival.every((it) => it.kind === 'seen' && it.generation === undefined));
  let generation = 10;
  await until('all are told', async () => {
    generation += 1;
    for (const account of ACCOUNTS) await one.publish(account, record(generation));
    return told.size === ACCOUNTS.length;
  });
  const held = await Promise.all(nodes.map(({ client }) => client.dbsize()));
  t.true(
    held.every((keys) => keys > 0),
    'every node holds some',
  );
});

serialRedisTest('a node that hangs or dies is unavailable only for its own accounts', async (t) => {
  const nodes = await startCluster(t);
  const records = open(t, nodes[0].url());
  let away = 0;
  records.listen({ changed() {}, connected() {}, disconnected: () => (away += 1) });
  await until('all nodes answer', () => allAnswered(records));
  for (const hurt of ['pause', 'kill'] as const) {
    if (hurt === 'pause') nodes[2].pause();
    else await nodes[2].kill();
    const first = await answered(records);
    t.true(first.includes(true) && first.includes(false), hurt);
    const others = ACCOUNTS.filter((_, index) => first[index] === true);
    const lost = ACCOUNTS.filter((_, index) => first[index] === false);
    const endMs = performance.now() + 7_000;
    for (let round = 1; performance.now() < endMs; round += 1) {
      const now = await answered(records, others);
      t.deepEqual(
        now,
        now.map(() => true),
        `${hurt}, round ${round}`,
      );
      await answered(records, lost);
      for (const account of others) {
        t.is(await records.publish(account, record(Date.now() * 10 + round)), 'stored');
      }
    }
    if (hurt === 'pause') {
      nodes[2].resume();
      await until('its accounts are back', () => allAnswered(records));
    }
  }
  t.is(away, 0);
});

serialRedisTest('an account is unavailable while its slot moves, and the others are not', async (t) => {
  const nodes = await startCluster(t);
  for (const { client } of nodes) {
    await client.call('ACL', 'SETUSER', 'hub', 'on', '>hub-password', ...documentedRights());
  }
  const refused: string[] = [];
  const warn = (event: string, fields: object = {}): void =>
    void refused.push(JSON.stringify({ event, ...fields }));
  const records = open(t, nodes[0].url('hub:hub-password'), { ...silentLog, warn });
  await until('all nodes answer', () => allAnswered(records));
  const [account, ...others] = ACCOUNTS as [(typeof ACCOUNTS)[number], ...typeof ACCOUNTS];
  const key = `{${account.mode}:${account.appid}}`;
  const slot = await nodes[0].client.cluster('KEYSLOT', key);
  const isThere = async ({ client }: RedisServer): Promise<boolean> =>
    client.get(key).then(
      () => true,
      () => false,
    );
  const [source, target] = (await isThere(nodes[0]))
    ? nodes
    : (await isThere(nodes[1]))
      ? [nodes[1], nodes[0]]
      : [nodes[2], nodes[0]];
  const [from, to] = await Promise.all([source, target].map(({ client }) => client.call('CLUSTER', 'MYID')));
  const move = async (): Promise<void> => {
    await target.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(from));
    await source.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(to));
  };
  await move();
  refused.length = 0;
  // Redis runs no script in a slot that moves while keys of it are missing: it says TRYAGAIN.
  t.is((await records.read(account)).kind, 'unavailable');
  t.true((await answered(records, others)).every(Boolean));
  t.false(refused.join('\n').includes('NOPERM'));
  for (const { client } of [target, source]) {
    await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(to));
  }
  await until('the slot has moved', () => allAnswered(records));
  t.is(await records.publish(account, record(20)), 'stored');
  // Back again, for a user without the right to ask, and then from a node that is gone.
  await source.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(to));
  await target.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(from));
  for (const { client } of nodes) await client.call('ACL', 'SETUSER', 'hub', '-asking');
  const fresh = { ...account, mode: 'classic' as const };
  await target.client.del(`test:${key}:token`);
  t.is((await records.read(fresh)).kind, 'unavailable');
  await until('it is told', () => refused.some((line) => /NOPERM.*docs\/hub.md/.test(line)));
  t.true((await answered(records, others)).every(Boolean));
  await source.kill();
  t.is((await records.read(account)).kind, 'unavailable');
  t.true((await answered(records)).some(Boolean));
});

test('a Cluster that cannot be reached is unavailable', async (t) => {
  const records = open(t, `redis://127.0.0.1:${await freePort()}`);
  t.is((await records.read({ appid: 'wx0', mode: 'stable' })).kind, 'unavailable');
});
