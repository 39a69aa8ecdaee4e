import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'ava';
import { dnsLookup } from '../../src/upstream/lookup.ts';

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

test('a name is resolved by DNS itself, for callers that want one address or all', async (t) => {
  const lookup = dnsLookup([await startDns(t)]);
  const one = await new Promise((resolve) => {
    lookup('api.weixin.qq.com', {}, (_, address, family) => resolve([address, family]));
  });
  t.deepEqual(one, ['127.0.0.9', 4]);
  const all = await new Promise((resolve) => {
    lookup('api.weixin.qq.com', { all: true }, (_, addresses) => resolve(addresses));
  });
  t.deepEqual(all, [{ address: '127.0.0.9', family: 4 }]);
});

test('a name that does not exist is an error with a code', async (t) => {
  const lookup = dnsLookup([await startDns(t)]);
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    lookup('other.example', {}, (failure) => resolve(failure));
  });
  t.is(error?.code, 'ENOTFOUND');
});
