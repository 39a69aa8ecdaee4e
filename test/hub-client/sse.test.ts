import test from 'ava';
import fc from 'fast-check';
import { EventReader, type ServerEvent } from '../../src/hub-client/sse.ts';

function read(...pieces: (string | Buffer)[]): ServerEvent[] | undefined {
  const reader = new EventReader();
  const events: ServerEvent[] = [];
  for (const piece of pieces) {
    const some = reader.push(Buffer.from(piece));
    if (some === undefined) return undefined;
    events.push(...some);
  }
  return events;
}

test('events are read, and comments and unknown fields are ignored', (t) => {
  t.deepEqual(read('retry: 2000\n\n:\n\nevent: token\ndata: {"a":1}\n\ndata:b\ndata: c\n\nid: 7\n\n'), [
    { type: 'token', data: '{"a":1}' },
    { type: 'message', data: 'b\nc' },
  ]);
});

test('an event counts once it is complete', (t) => {
  t.deepEqual(read('event: token\ndata: x\n'), []);
  t.deepEqual(read('event: token\ndata: x\n', '\n'), [{ type: 'token', data: 'x' }]);
});

test('the events are the same however a stream is split, and whatever ends its lines', (t) => {
  const field = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ''));
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: field.filter((it) => it !== ''), data: field }), { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
      (events, eol, cuts) => {
        const text = events.map(({ type, data }) => `event: ${type}${eol}data: ${data}${eol}${eol}`).join('');
        // A CR at the very end could be half of a line's end, so something follows.
        const bytes = Buffer.from(`${text}: end${eol}`);
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b)];
        const pieces = places.map((from, index) => bytes.subarray(from, places[index + 1] ?? bytes.length));
        t.deepEqual(read(...pieces), events);
      },
    ),
  );
});

test('a line or an event without an end ends the reading', (t) => {
  t.is(read('data: '.padEnd(20_000, 'x')), undefined);
  t.is(read(...Array.from({ length: 300 }, () => `data: ${'x'.repeat(100)}\n`)), undefined);
  t.is(read('data: x\n\n'.repeat(10_000))?.length, 10_000);
});
