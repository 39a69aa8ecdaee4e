import { LRUCache } from 'lru-cache';
import { pino } from 'pino';
import type { Clock } from './clock.ts';
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
}

/**
 * JSON lines on stdout: `time` (RFC 3339), `level`, `event` (a short constant sentence that can be
 * searched for), and the fields.
 */
export function makeLog(level: LogLevel, write?: (line: string) => void): LevelledLog {
  const options = {
    level,
    base: null,
    messageKey: 'event',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = write === undefined ? pino(options) : pino(options, { write });
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
    level: () => logger.level as LogLevel,
    setLevel(next) {
      logger.level = next;
    },
  };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

const LINES_PER_WINDOW = 5;
const WINDOW_MS = 10_000;
export const LOG_KEYS_MAX = 500;

/**
 * Rate limit for repeated lines: of the lines with the same level, event and `key` (kept as a digest), the first
 * few of every ten seconds are written, and the next one after that says how many were suppressed.
 */
export function boundedLog(log: Log, clock: Clock): (key: string) => Log {
  const windows = new LRUCache<string, { startMs: number; lines: number; leftOut: number }>({
    max: LOG_KEYS_MAX,
  });
  const admit = (key: string, fields: LogFields | undefined): LogFields | undefined => {
    const nowMs = clock.lifeMs();
    const window = windows.get(key);
    if (window === undefined || nowMs - window.startMs >= WINDOW_MS) {
      windows.set(key, { startMs: nowMs, lines: 1, leftOut: 0 });
      const leftOut = window?.leftOut ?? 0;
      return leftOut === 0 ? (fields ?? {}) : { ...fields, likeLinesLeftOut: leftOut };
    }
    if (window.lines >= LINES_PER_WINDOW) {
      window.leftOut += 1;
      return undefined;
    }
    window.lines += 1;
    return fields ?? {};
  };
  return (key) => {
    const at = (level: 'debug' | 'info' | 'warn' | 'error') => (event: string, fields?: LogFields) => {
      const admitted = admit(fingerprintOf(`${level} ${event} ${key}`), fields);
      if (admitted !== undefined) log[level](event, admitted);
    };
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  };
}

/** The fields that distinguish otherwise equal lines. Callers cannot choose their values freely. */
const KEY_FIELDS = ['app', 'host', 'hub', 'caller', 'reason', 'errcode', 'warning'] as const;

/**
 * Rate-limits all lines of a process: otherwise a caller, an upstream or a hub that can cause a line could
 * fill the disk. Lines of level `debug` are written on request only and are not limited.
 */
export function floodProof(log: LevelledLog, clock: Clock): LevelledLog {
  const logOf = boundedLog(log, clock);
  const keyed = (fields: LogFields | undefined): Log =>
    logOf(KEY_FIELDS.map((name) => String(fields?.[name] ?? '')).join(' '));
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: (event, fields) => keyed(fields).info(event, fields),
    warn: (event, fields) => keyed(fields).warn(event, fields),
    error: (event, fields) => keyed(fields).error(event, fields),
    level: () => log.level(),
    setLevel: (level) => log.setLevel(level),
  };
}
