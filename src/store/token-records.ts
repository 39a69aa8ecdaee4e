import { type Clock, toUnixMs } from '../base/clock.ts';
import { fingerprintOf, type Secret } from '../base/secret.ts';
import { policyFor } from '../token/policy.ts';
import { notAhead } from '../token/quota.ts';
import type { SharedState } from '../token/state.ts';
import type { Token, TokenMode } from '../token/token.ts';
import type { TokenStore } from './store.ts';

/** The part of an account in one mode that survives a restart. Times are Unix milliseconds. */
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

/** Where records are stored. */
export interface TokenRecords {
  load(appid: string, mode: TokenMode): Promise<TokenRecord | undefined>;
  /** Returns at once; the last save of an account wins. */
  save(record: TokenRecord): void;
  written(): Promise<void>;
  close(): Promise<void>;
}

/** A token store on records with Unix times, which stay valid after a restart. */
export function storeOf(records: TokenRecords, clock: Clock): TokenStore {
  return {
    async load({ appid, mode }) {
      const record = await records.load(appid, mode);
      return record && fromRecord(record, clock);
    },
    save: ({ appid, mode }, { token, forcedAtMs }) =>
      records.save(toRecord(appid, mode, token, forcedAtMs, clock)),
    written: () => records.written(),
    close: () => records.close(),
  };
}

export function toRecord(
  appid: string,
  mode: TokenMode,
  token: Token | undefined,
  forcedAtMs: readonly number[],
  clock: Clock,
): TokenRecord {
  const unixMs = (lifeMs: number): number => Math.round(toUnixMs(lifeMs, clock));
  return {
    appid,
    mode,
    ...(token !== undefined && {
      token: {
        value: token.value,
        issuedAtUnixMs: unixMs(token.issuedAtMs),
        expiresAtUnixMs: unixMs(token.expiresAtMs),
      },
    }),
    forcedAtUnixMs: forcedAtMs.map(unixMs),
  };
}

/**
 * Times in the future were written before the wall clock was set back. They count as now, so that no token
 * outlives its lifetime and no quota is blocked until a distant time. Returns the same object if there
 * are none.
 */
export function withoutFuture(record: TokenRecord, nowUnixMs: number): TokenRecord {
  const { token } = record;
  const forcedAtUnixMs = notAhead(record.forcedAtUnixMs, policyFor('stable').quota, nowUnixMs);
  const aheadMs = (token?.issuedAtUnixMs ?? -Infinity) - nowUnixMs;
  if (forcedAtUnixMs === record.forcedAtUnixMs && !(aheadMs > 0)) return record;
  if (token === undefined || !(aheadMs > 0)) return { ...record, forcedAtUnixMs };
  const expiresAtUnixMs = token.expiresAtUnixMs - aheadMs;
  return { ...record, forcedAtUnixMs, token: { ...token, issuedAtUnixMs: nowUnixMs, expiresAtUnixMs } };
}

export function fromRecord(written: TokenRecord, clock: Clock): SharedState {
  const nowMs = clock.monotonicMs();
  const wallMs = clock.unixMs();
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
