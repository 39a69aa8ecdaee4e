import test from 'ava';
import { boundedLog, floodProof, makeLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { ManualClock } from '../support/manual-clock.ts';

function collecting(level: 'debug' | 'info' = 'info'): {
  log: ReturnType<typeof makeLog>;
  lines: Record<string, unknown>[];
} {
  const lines: Record<string, unknown>[] = [];
  return { log: makeLog(level, (line) => lines.push(JSON.parse(line) as Record<string, unknown>)), lines };
}

test('a line is JSON with a time, a level, an event and its fields', (t) => {
  const { log, lines } = collecting();
  log.warn('token fetch failed', { app: 'wx1', errcode: 40164 });
  t.like(lines[0], { level: 'warn', event: 'token fetch failed', app: 'wx1', errcode: 40164 });
  t.regex(String(lines[0]?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('the level is in force at once when it changes', (t) => {
  const { log, lines } = collecting();
  log.debug('unseen');
  log.setLevel('debug');
  log.debug('seen');
  log.setLevel('silent');
  log.error('unseen');
  t.deepEqual(
    lines.map(({ event }) => event),
    ['seen'],
  );
  t.is(log.level(), 'silent');
});

test('a secret that strays into a field is not shown', (t) => {
  const { log, lines } = collecting();
  log.info('strayed', { token: new Secret('hunter2') as unknown as string });
  t.is(lines[0]?.['token'], '[redacted]');
});

test('of a storm of like lines a few are written, and the next one later counts the rest', (t) => {
  const { log, lines } = collecting();
  const clock = new ManualClock();
  const logOf = boundedLog(log, clock);
  for (let line = 0; line < 100; line += 1) logOf('wx1').warn('storm', { line });
  t.is(lines.length, 5);
  logOf('wx2').warn('storm');
  logOf('wx1').warn('another event');
  logOf('wx1').info('storm');
  t.is(lines.length, 8);
  clock.advance(10_000);
  logOf('wx1').warn('storm', { line: 100 });
  t.like(lines.at(-1), { line: 100, likeLinesLeftOut: 95 });
});

test('a line that something outside can cause again and again is bounded, whoever writes it', (t) => {
  const { log, lines } = collecting('debug');
  const clock = new ManualClock();
  const bounded = floodProof(log, clock);
  for (let call = 0; call < 400; call += 1) bounded.warn('upstream cannot be connected', { host: 'a', call });
  t.is(lines.length, 5);
  bounded.warn('upstream cannot be connected', { host: 'b' });
  bounded.info('serving');
  for (let call = 0; call < 20; call += 1) bounded.debug('call', { call });
  t.is(lines.length, 27);
  clock.advance(10_000);
  bounded.warn('upstream cannot be connected', { host: 'a' });
  t.like(lines.at(-1), { likeLinesLeftOut: 395 });
});
