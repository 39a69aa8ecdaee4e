import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'ava';
import { type Address, dnsResolve, Lookups } from '../../src/upstream/lookup.ts';
import { ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** Answers every A question for names that begin with `api` with 127.0.0.9, and everything else with "no such name". */
async function startDns(t: { teardown(run: () => unknown): void }): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const isA = question.readUInt16BE(end - 4) === 1;
    const isKnown = question.subarray(13, 16).toString() === 'api';
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2);
    head.writeUInt16BE(isKnown && isA ? 1 : 0, 6);
    head.fill(0, 8);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 127, 0, 0, 9]);
    const body = [head, question.subarray(12, end), ...(isKnown && isA ? [record] : [])];
    socket.send(Buffer.concat(body), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

test('a name is resolved by DNS itself', async (t) => {
  const resolve = dnsResolve([await startDns(t)]);
  t.deepEqual(await resolve('api.weixin.qq.com'), [{ address: '127.0.0.9', family: 4 }]);
});

test('a name that does not exist is an error with a code', async (t) => {
  const resolve = dnsResolve([await startDns(t)]);
  await t.throwsAsync(resolve('other.example'), { code: 'ENOTFOUND' });
});

interface Asked {
  readonly hostname: string;
  answer(addresses: readonly Address[]): Promise<void>;
  fail(code: string): Promise<void>;
}

function bench(): { clock: ManualClock; lookups: Lookups; asked: Asked[] } {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const lookups = new Lookups(
    (hostname) =>
      new Promise((resolve, reject) => {
        asked.push({
          hostname,
          answer(addresses) {
            resolve(addresses);
            return ripple();
          },
          fail(code) {
            reject(Object.assign(new Error(code), { code }));
            return ripple();
          },
        });
      }),
    clock,
  );
  return { clock, lookups, asked };
}

const NINE: Address = { address: '127.0.0.9', family: 4 };

test('an IP address is not looked up, with or without brackets', async (t) => {
  const { lookups, asked } = bench();
  t.deepEqual(await lookups.addressesOf('127.0.0.1'), [{ address: '127.0.0.1', family: 4 }]);
  t.deepEqual(await lookups.addressesOf('[::1]'), [{ address: '::1', family: 6 }]);
  t.is(asked.length, 0);
});

test('a burst of connections causes one lookup', async (t) => {
  const { lookups, asked } = bench();
  const all = Array.from({ length: 50 }, () => lookups.addressesOf('api'));
  t.is(asked.length, 1);
  await asked[0]?.answer([NINE]);
  for (const found of await Promise.all(all)) t.deepEqual(found, [NINE]);
  await lookups.addressesOf('api');
  t.is(asked.length, 1);
});

test('nobody waits longer than 800 ms, and a late response serves the next call', async (t) => {
  const { clock, lookups, asked } = bench();
  const first = lookups.addressesOf('api');
  clock.advance(800);
  await t.throwsAsync(first, { code: 'EAI_AGAIN' });
  await asked[0]?.answer([NINE]);
  t.deepEqual(await lookups.addressesOf('api'), [NINE]);
  t.is(asked.length, 1);
});

for (const how of ['fails', 'is slow'] as const) {
  test(`while DNS ${how} an old result is used for ten minutes`, async (t) => {
    const { clock, lookups, asked } = bench();
    const first = lookups.addressesOf('api');
    await asked[0]?.answer([NINE]);
    await first;
    clock.advance(599_000);
    const stale = lookups.addressesOf('api');
    if (how === 'fails') await asked[1]?.fail('EAI_AGAIN');
    else clock.advance(800);
    t.deepEqual(await stale, [NINE]);
    if (how === 'is slow') await asked[1]?.fail('EAI_AGAIN');
    clock.advance(2_000);
    const over = lookups.addressesOf('api');
    await asked[2]?.fail('ENOTFOUND');
    await t.throwsAsync(over, { code: 'ENOTFOUND' });
  });
}
