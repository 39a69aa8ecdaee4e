import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import type { Log } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { stackFrames } from '../../src/base/fault.ts';
import { isReadOnly, reasonOf } from '../../src/store/redis-errors.ts';
import { RedisRecords } from '../../src/store/redis-records.ts';
import { makeTokenCipher } from '../../src/store/cipher.ts';
import { patientClock } from '../support/patient-clock.ts';
import { redisTest, RedisServer, until } from '../support/redis.ts';

const ACCOUNT = { appid: 'wx0123456789abcdef', mode: 'classic' } as const;

interface Opened {
  readonly records: RedisRecords;
  readonly lines: string[];
  readonly told: string[];
  reject(error: unknown): void;
}

function open(t: ExecutionContext, url: string): Opened {
  const lines: string[] = [];
  const told: string[] = [];
  const at = (event: string, fields: object = {}): void =>
    void lines.push(JSON.stringify({ event, ...fields }));
  const log: Log = { debug: at, info: at, warn: at, error: at };
  let reject: (error: unknown) => void = () => {};
  const records = new RedisRecords({
    target: { url: new Secret(url), sentinels: [], cluster: false },
    keyPrefix: 'test:',
    cipher: makeTokenCipher(undefined),
    clock: patientClock,
    random: systemRandom,
    log,
    onRejection: (act) => (reject = act),
  });
  records.listen({
    changed() {},
    connected: () => told.push('back'),
    disconnected: () => told.push('unavailable'),
  });
  t.teardown(() => records.close());
  return { records, lines, told, reject: (error) => reject(error) };
}

async function takes({ records }: Opened): Promise<boolean> {
  return (await records.acquire(ACCOUNT, 'one/1', 0, 8_000)).kind === 'seen';
}

for (const [wording, error] of [
  ['Redis 7', "READONLY You can't write against a read only replica. script: 0123, on @user_script:1."],
  [
    'Redis 5',
    "ERR Error running script (call to f_0123): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica. ",
  ],
  [
    'an older Redis',
    "ERR Error running script (call to f_0): @user_script:5: @user_script: 5: -READONLY You can't write against a read only slave.",
  ],
  ['a managed service', "ERR You can't write against a read-only instance"],
] as const) {
  test(`a server is recognised as read-only by the wording of ${wording}`, (t) => {
    t.true(isReadOnly(new Error(error)));
    t.is(reasonOf(new Error(error)), 'READONLY');
  });
}

test('other refusals are named, whether or not a script wraps them, and do not count as read-only', (t) => {
  for (const [reason, error] of [
    ['NOPERM', "NOPERM User hub has no permissions to run the 'readonly' command"],
    [
      'OOM',
      "ERR Error running script (call to f_0): @user_script:1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
    ],
    ['NOREPLICAS', 'NOREPLICAS Not enough good replicas to write.'],
    ['REDIRECTIONS', 'Too many Cluster redirections. Last error: ReplyError: MOVED 1 127.0.0.1:1'],
    ['ERR', 'ERR unknown command'],
  ] as const) {
    t.false(isReadOnly(new Error(error)));
    t.is(reasonOf(new Error(error)), reason);
  }
});

redisTest('a server that stays read-only costs a few connections and lines, not a loop', async (t) => {
  const redis = await RedisServer.start(t, { args: ['--replicaof', '127.0.0.1', '1'] });
  const opened = open(t, redis.url());
  const connections = async (): Promise<number> =>
    Number(/total_connections_received:(\d+)/.exec(await redis.client.info('stats'))?.[1]);
  await until('it is left', async () => !(await takes(opened)) && opened.told.includes('unavailable'));
  const before = await connections();
  const endMs = performance.now() + 5_000;
  while (performance.now() < endMs) {
    await takes(opened);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  // Two each time: at once, and after about 1, 2 and 4 s.
  t.true((await connections()) - before <= 8);
  t.true(opened.lines.length < 20, opened.lines.join('\n'));
  t.true(opened.lines.some((line) => line.includes('READONLY') && line.includes('name the master')));
  await redis.client.call('REPLICAOF', 'NO', 'ONE');
  await until('it is a master and is used', () => takes(opened));
});

redisTest('a hub disconnects from a demoted master behind the same address', async (t) => {
  const [first, second] = [await RedisServer.start(t), await RedisServer.start(t)];
  let { port } = first;
  const sockets = new Set<Socket>();
  const way = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    way.close();
  });
  const opened = open(t, `redis://127.0.0.1:${(way.address() as AddressInfo).port}`);
  await until('it is there', () => takes(opened));
  await first.client.call('REPLICAOF', '127.0.0.1', String(second.port));
  port = second.port;
  await until('the new master is used', () => takes(opened));
  await until('the turn is there', async () => (await second.client.keys('test:*')).length > 0);
  t.pass();
});

redisTest(
  'a rejection that the client drops is logged and costs one connection, not the process',
  async (t) => {
    const redis = await RedisServer.start(t);
    const opened = open(t, redis.url());
    await until('it is there', () => takes(opened));
    const client = new Redis(redis.url());
    t.teardown(() => client.disconnect());
    const error: unknown = await client.call('NO-SUCH', 'a-token-in-its-text').catch((it: unknown) => it);
    opened.reject(error);
    t.is(opened.told.at(-1), 'unavailable');
    await until('it is there again', () => takes(opened));
    t.true(opened.lines.some((line) => line.includes('caught; reconnecting')));
    opened.told.length = 0;
    opened.reject(new TypeError('a-token-in-its-text'));
    opened.reject('a-token-in-its-text');
    t.deepEqual(opened.told, []);
    t.is(opened.lines.filter((line) => line.includes('internal error caught')).length, 2);
    t.false(opened.lines.join('\n').includes('a-token-in-its-text'));
    t.deepEqual(
      stackFrames(new Error('x\n y')).filter((place) => !place.startsWith('at ')),
      [],
    );
  },
);
