import test from 'ava';
import { FIELD_CHARS_MAX, LINE_RATE, LOG_KEYS_MAX, makeLog } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { ManualClock } from '../support/manual-clock.ts';

function collecting(level: 'debug' | 'info' | 'error' = 'info'): {
  log: ReturnType<typeof makeLog>;
  lines: Record<string, unknown>[];
  clock: ManualClock;
} {
  const lines: Record<string, unknown>[] = [];
  const clock = new ManualClock();
  const log = makeLog(level, clock, (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
  return { log, lines, clock };
}

test('a line is JSON with a time, a level, an event and its fields', (t) => {
  const { log, lines } = collecting();
  log.warn('token fetch failed', { app: 'wx1', errcode: 40164 });
  t.like(lines[0], { level: 'warn', event: 'token fetch failed', app: 'wx1', errcode: 40164 });
  t.regex(String(lines[0]?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('a changed level takes effect immediately', (t) => {
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

test('a secret in a field is not shown', (t) => {
  const { log, lines } = collecting();
  log.info('strayed', { token: new Secret('hunter2') as unknown as string });
  t.is(lines[0]?.['token'], '[redacted]');
});

test('of many similar lines a few are written, and the next one gives the number of those left out', (t) => {
  const { log, lines, clock } = collecting();
  for (let line = 0; line < 400; line += 1) log.warn('upstream cannot be connected', { host: 'a', line });
  t.is(lines.length, LINE_RATE.perKind);
  log.warn('upstream cannot be connected', { host: 'b' });
  log.info('upstream cannot be connected', { host: 'a' });
  log.warn('another event', { host: 'a' });
  t.is(lines.length, LINE_RATE.perKind + 3);
  clock.advance(LINE_RATE.windowMs);
  log.warn('upstream cannot be connected', { host: 'a' });
  t.like(lines.at(-1), { host: 'a', suppressed: 400 - LINE_RATE.perKind });
  log.warn('upstream cannot be connected', { host: 'a' });
  t.false('suppressed' in (lines.at(-1) ?? {}));
});

test('lines with a new field each time, or of more kinds than are remembered, are limited by their event', (t) => {
  const { log, lines, clock } = collecting();
  const kinds = LOG_KEYS_MAX + 1;
  for (let line = 0; line < 10 * kinds; line += 1)
    log.warn('caller rejected', { caller: `c${line % kinds}` });
  t.is(lines.length, LINE_RATE.perEvent);
  log.warn('another event');
  t.is(lines.length, LINE_RATE.perEvent + 1, 'another event has its own');
  clock.advance(LINE_RATE.windowMs);
  log.warn('caller rejected', { caller: 'new' });
  t.like(lines.at(-1), { suppressed: 10 * kinds - LINE_RATE.perEvent });
});

test('debug lines, which describe single calls, are limited by their event only', (t) => {
  const { log, lines, clock } = collecting('debug');
  for (let call = 0; call < 2 * LINE_RATE.perDebugEvent; call += 1) log.debug('call', { app: 'wx1', call });
  t.is(lines.length, LINE_RATE.perDebugEvent);
  clock.advance(LINE_RATE.windowMs);
  log.debug('call', { app: 'wx1' });
  t.like(lines.at(-1), { suppressed: LINE_RATE.perDebugEvent });
});

test('lines below the level are not counted', (t) => {
  const { log, lines } = collecting();
  for (let line = 0; line < 10; line += 1) log.debug('storm');
  log.setLevel('debug');
  log.debug('storm');
  t.is(lines.length, 1);
  t.false('suppressed' in (lines[0] ?? {}));
});

test('lines that have a setting of their own are all written, whatever the level is', (t) => {
  const { log, lines } = collecting('error');
  log.info('serving');
  for (let call = 0; call < 2 * LINE_RATE.perEvent; call += 1)
    log.always('access', { path: '/cgi-bin/token' });
  log.setLevel('silent');
  log.always('access');
  t.is(lines.length, 2 * LINE_RATE.perEvent + 1);
  t.like(lines[0], { level: 'info', event: 'access', path: '/cgi-bin/token' });
});

test('a field that is too long for a line is truncated', (t) => {
  const { log, lines } = collecting();
  const path = `/${'a'.repeat(10 * FIELD_CHARS_MAX)}`;
  log.warn('call failed', { path, where: [path], status: 502 });
  t.is(String(lines[0]?.['path']), `${path.slice(0, FIELD_CHARS_MAX)}…`);
  t.deepEqual(lines[0]?.['where'], [`${path.slice(0, FIELD_CHARS_MAX)}…`]);
  t.is(lines[0]?.['status'], 502);
});
