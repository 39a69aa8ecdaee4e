import type { Clock } from '../base/clock.ts';
import { fingerprintOf, type Secret } from '../base/secret.ts';
import { policyFor } from '../token/policy.ts';
import { notAhead } from '../token/ration.ts';
import type { Shared } from '../token/state.ts';
import type { Token, TokenMode } from '../token/token.ts';
import type { RedisPlace } from './redis-client.ts';
import type { Turns } from '../token/lease.ts';

/** What survives a restart, of one account in one mode. Times are Unix milliseconds. */
export interface TokenRecord {
  readonly appid: string;
  readonly mode: TokenMode;
  readonly token?: {
    readonly value: Secret;
    readonly issuedAtUnixMs: number;
    readonly expiresAtUnixMs: number;
  };
  /** The forced refreshes of the last day. */
  readonly forcedAtUnixMs: readonly number[];
}

/**
 * Keeps records beyond the life of a process. A store that cannot be read or written says so in the
 * log and never fails its caller.
 */
export interface TokenStore {
  load(appid: string, mode: TokenMode): Promise<TokenRecord | undefined>;
  /** Returns at once. The record is written behind; the last one of an account wins. */
  save(record: TokenRecord): void;
  /**
   * Present where saving takes a while: resolves when all that was saved is written, or after a moment
   * where that fails. For what must not be forgotten by a crash.
   */
  written?(): Promise<void>;
  /**
   * Present where other processes hold the same accounts. To be called before `load`; `heard` is told
   * what they have published.
   */
  share?(
    account: { readonly appid: string; readonly mode: TokenMode },
    heard: (shared: Shared) => void,
  ): Turns;
  /** Present where other settings of the same kind can be taken over while we run. */
  use?(place: RedisPlace): void;
  /** Writes what is still to be written. */
  close(): Promise<void>;
}

/** What a store holds, on the scale that tokens live by. */
export interface Recollection {
  readonly token?: Token;
  readonly forcedAtMs: readonly number[];
}

export const memoryStore: TokenStore = {
  load: () => Promise.resolve(undefined),
  save() {},
  close: () => Promise.resolve(),
};

export function toRecord(
  appid: string,
  mode: TokenMode,
  token: Token | undefined,
  forcedAtMs: readonly number[],
  clock: Clock,
): TokenRecord {
  const toUnixMs = (lifeMs: number): number => Math.round(unixMs(lifeMs, clock));
  return {
    appid,
    mode,
    ...(token !== undefined && {
      token: {
        value: token.value,
        issuedAtUnixMs: toUnixMs(token.issuedAtMs),
        expiresAtUnixMs: toUnixMs(token.expiresAtMs),
      },
    }),
    forcedAtUnixMs: forcedAtMs.map(toUnixMs),
  };
}

/**
 * Times that lie ahead are the work of a wall clock that was set back since. They count as now, so
 * that a token never gets more than its life, and no ration waits for a moment that is far away. The very
 * same record where none does.
 */
export function withoutFuture(record: TokenRecord, nowUnixMs: number): TokenRecord {
  const { token } = record;
  const forcedAtUnixMs = notAhead(record.forcedAtUnixMs, policyFor('stable').ration, nowUnixMs);
  const aheadMs = (token?.issuedAtUnixMs ?? -Infinity) - nowUnixMs;
  if (forcedAtUnixMs === record.forcedAtUnixMs && !(aheadMs > 0)) return record;
  if (token === undefined || !(aheadMs > 0)) return { ...record, forcedAtUnixMs };
  const expiresAtUnixMs = token.expiresAtUnixMs - aheadMs;
  return { ...record, forcedAtUnixMs, token: { ...token, issuedAtUnixMs: nowUnixMs, expiresAtUnixMs } };
}

export function fromRecord(written: TokenRecord, clock: Clock): Recollection {
  const nowMs = clock.lifeMs();
  const wallMs = clock.wallMs();
  const record = withoutFuture(written, wallMs);
  const toLifeMs = (unix: number): number => unix - wallMs + nowMs;
  const forcedAtMs = record.forcedAtUnixMs.map(toLifeMs).toSorted((a, b) => a - b);
  if (record.token === undefined) return { forcedAtMs };
  const { value, issuedAtUnixMs, expiresAtUnixMs } = record.token;
  const issuedAtMs = toLifeMs(issuedAtUnixMs);
  const token: Token = {
    value,
    fingerprint: fingerprintOf(value.reveal()),
    issuedAtMs,
    expiresAtMs: issuedAtMs + (expiresAtUnixMs - issuedAtUnixMs),
  };
  return { token, forcedAtMs };
}

/** A moment of the life scale as Unix time, by what the wall clock says now. */
export function unixMs(lifeMs: number, clock: Clock): number {
  return lifeMs + clock.wallMs() - clock.lifeMs();
}
