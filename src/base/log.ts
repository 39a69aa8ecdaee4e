import { pino } from 'pino';
import type { Clock } from './clock.ts';
import { LruTable } from './lru-table.ts';
import { fingerprintOf } from './secret.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields of one log line. Never a token, a secret, a URL with its query, or a header. */
export type LogFields = Record<string, string | number | boolean | null | undefined | readonly string[]>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export interface LevelledLog extends Log {
  level(): LogLevel;
  setLevel(level: LogLevel): void;
  /** A line that a setting of its own asks for: it is written whatever the level is, and none is left out. */
  always(event: string, fields?: LogFields): void;
}

/**
 * JSON lines on stdout: `time` (RFC 3339), `level`, `event` (a short constant sentence that can be
 * searched for), and the fields. There is no other way to write one, so each line is rate-limited, but for those of `always`.
 */
export function makeLog(level: LogLevel, clock: Clock, write?: (line: string) => void): LevelledLog {
  const options = {
    level,
    base: null,
    messageKey: 'event',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = write === undefined ? pino(options) : pino(options, { write });
  const asked = logger.child({}, { level: ASKED_LEVEL });
  const log = rateLimitedLog((lineLevel, event, fields) => logger[lineLevel](fields, event), clock);
  const at = (lineLevel: LineLevel): Log['info'] => {
    return (event, fields = {}) => {
      if (logger.isLevelEnabled(lineLevel)) log(lineLevel, event, fields);
    };
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    level: () => logger.level as LogLevel,
    setLevel(next) {
      logger.level = next;
    },
    always: (event, fields = {}) => asked[ASKED_LEVEL](fields, event),
  };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Of lines that are written whatever the level is. */
const ASKED_LEVEL = 'info';

type LineLevel = Exclude<LogLevel, 'silent'>;
type Write = (level: LineLevel, event: string, fields: LogFields) => void;

/** Lines of one kind, which have the same level, event and key fields, and of one event in all, in each window. */
export const LINE_RATE = {
  windowMs: 10_000,
  perKind: 5,
  perEvent: 100,
  /** `debug` lines describe single calls and are enabled on purpose: their kinds are not limited. */
  perDebugEvent: 1_000,
} as const;
export const LOG_KEYS_MAX = 500;
export const FIELD_CHARS_MAX = 1_024;

/** The fields that tell kinds of lines apart. A caller may make up some of them; then the limit of the event holds. */
const KEY_FIELDS = [
  'app',
  'host',
  'hub',
  'caller',
  'address',
  'namespace',
  'reason',
  'errcode',
  'outcome',
  'result',
  'type',
  'setting',
  'warning',
] as const;

interface Window {
  readonly startMs: number;
  readonly linesMax: number;
  lines: number;
  suppressed: number;
}

/**
 * Rate-limits lines: otherwise a caller, an upstream or a hub that can cause a line could fill the disk. The
 * next line of its kind says how many were suppressed.
 */
function rateLimitedLog(write: Write, clock: Clock): Write {
  const kinds = new LruTable<string, Window>(LOG_KEYS_MAX);
  const events = new LruTable<string, Window>(LOG_KEYS_MAX);
  const windowOf = (windows: typeof kinds, key: string, linesMax: number): Window => {
    const nowMs = clock.monotonicMs();
    const last = windows.get(key);
    if (last !== undefined && nowMs - last.startMs < LINE_RATE.windowMs) return last;
    const window = { startMs: nowMs, linesMax, lines: 0, suppressed: last?.suppressed ?? 0 };
    windows.set(key, window);
    return window;
  };
  const windowsOf = (level: LineLevel, event: string, fields: LogFields): Window[] => {
    if (level === 'debug') return [windowOf(events, event, LINE_RATE.perDebugEvent)];
    const key = [level, event, ...KEY_FIELDS.map((name) => String(fields[name] ?? ''))].join(' ');
    return [
      windowOf(kinds, fingerprintOf(key), LINE_RATE.perKind),
      windowOf(events, `${level} ${event}`, LINE_RATE.perEvent),
    ];
  };
  return (level, event, fields) => {
    const windows = windowsOf(level, event, fields);
    const full = windows.find(({ lines, linesMax }) => lines >= linesMax);
    if (full !== undefined) {
      full.suppressed += 1;
      return;
    }
    let suppressed = 0;
    for (const window of windows) {
      window.lines += 1;
      suppressed += window.suppressed;
      window.suppressed = 0;
    }
    write(level, event, suppressed === 0 ? shortened(fields) : { ...shortened(fields), suppressed });
  };
}

function shortened(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? cut(value) : Array.isArray(value) ? value.map(cut) : value,
    ]),
  );
}

function cut(text: string): string {
  return text.length > FIELD_CHARS_MAX ? `${text.slice(0, FIELD_CHARS_MAX)}…` : text;
}
