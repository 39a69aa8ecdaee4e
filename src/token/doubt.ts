/**
 * Reports that the platform refused the current token, and the results of looks at that token.
 *
 * A report names a key: the path of the refused call. One look (a request that asks the platform about the
 * token itself) settles every report received before it began. If the platform accepts the token, the
 * reported keys are held: for a while, further reports of them start nothing. Other keys are not affected,
 * so one endpoint that refuses every token never delays recovery of the others.
 */
export interface Doubt {
  /** Reported keys that wait for the next look. */
  readonly pending: ReadonlySet<string>;
  /** The keys that the running look settles. */
  readonly looking: ReadonlySet<string> | undefined;
  readonly holds: ReadonlyMap<string, Hold>;
  /** Looks are numbered from 1. How many have begun, and the number of the last settled one. */
  readonly begun: number;
  readonly settled: number;
  readonly lookedAtMs: number;
  /** How often the running look has failed and is retried soon. */
  readonly tries: number;
  /** The errcode of the last report. */
  readonly errcode: number;
  /** How often a refresh on the quota returned the same token. */
  readonly futileRefreshes: number;
}

export interface Hold {
  /** Consecutive looks that found the token accepted. */
  readonly looks: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface Report {
  readonly key: string;
  readonly errcode: number;
  /** Whether a call to the same path succeeded with the token since the path was last reported. */
  readonly succeeded: boolean;
}

export const NO_DOUBT: Doubt = {
  pending: new Set(),
  looking: undefined,
  holds: new Map(),
  begun: 0,
  settled: 0,
  lookedAtMs: -Infinity,
  tries: 0,
  errcode: 0,
  futileRefreshes: 0,
};

/** The key of all reports without a key of their own. */
export const SHARED_KEY = '*';

/** Minimum interval between looks of one account, start to start. */
export const LOOK_SPACING_MS = 2_000;

/** Length of the first hold; each further look that finds the token accepted doubles it. */
export const HOLD_MS = 2_000;
export const HOLD_MS_MAX = 600_000;
/** The shared key may stand for any number of paths, so it is never held for long. */
export const SHARED_HOLD_MS_MAX = 30_000;

/** In this last share of a hold, a look for another key renews it. */
const ENDING_SHARE = 0.25;

/** How often a look is retried after a transient failure, each time within a second. */
export const LOOK_REPEATS = 2;
export const LOOK_REPEAT_MS = 1_000;

/** Keys beyond this number share one. */
export const KEYS_MAX = 2_000;

export function isDoubted({ pending, looking }: Doubt): boolean {
  return looking !== undefined || pending.size > 0;
}

/** The active hold of a key. */
export function holdOf(doubt: Doubt, key: string, nowMs: number): Hold | undefined {
  const hold = doubt.holds.get(keptKey(doubt, key));
  return hold !== undefined && nowMs < hold.untilMs ? hold : undefined;
}

/** The number of the look that would settle a report of this key received now. */
export function settlingLook(doubt: Doubt, key: string): number {
  return doubt.looking?.has(keptKey(doubt, key)) === true ? doubt.begun : doubt.begun + 1;
}

/** Whether a report of this key would start nothing: it is held, or a look for it is pending or running. */
export function isCovered(doubt: Doubt, { key, succeeded }: Report, nowMs: number): boolean {
  const kept = keptKey(doubt, key);
  if (doubt.pending.has(kept) || doubt.looking?.has(kept) === true) return true;
  return !succeeded && holdOf(doubt, kept, nowMs) !== undefined;
}

/** Returns the same object if the report starts nothing. */
export function withReport(doubt: Doubt, report: Report, nowMs: number): Doubt {
  const key = keptKey(doubt, report.key);
  const noted = report.succeeded ? withSuccess(doubt, key) : doubt;
  if (isCovered(noted, { ...report, key, succeeded: false }, nowMs)) return noted;
  return { ...noted, pending: new Set([...noted.pending, key]), errcode: report.errcode };
}

export function lookBegun(doubt: Doubt, nowMs: number): Doubt {
  return {
    ...doubt,
    pending: new Set(),
    looking: new Set([...(doubt.looking ?? []), ...doubt.pending]),
    begun: doubt.begun + 1,
    lookedAtMs: nowMs,
  };
}

/** The look has no result: its keys wait for the next one. */
export function lookFailed(doubt: Doubt): Doubt {
  const { looking, pending } = doubt;
  return { ...doubt, pending: new Set([...(looking ?? []), ...pending]), looking: undefined };
}

/**
 * The platform accepts the token: the keys of this look are held. Holds that are about to end are renewed,
 * or many endpoints that refuse every token would each need their own looks.
 */
export function lookAccepted(doubt: Doubt, nowMs: number): Doubt {
  const holds = new Map(doubt.holds);
  for (const key of doubt.looking ?? []) holds.set(key, nextHold(key, doubt.holds.get(key), nowMs));
  for (const [key, hold] of doubt.holds) {
    if (isEnding(hold, nowMs) && doubt.looking?.has(key) !== true) holds.set(key, nextHold(key, hold, nowMs));
  }
  return { ...doubt, looking: undefined, holds, settled: doubt.begun, tries: 0, futileRefreshes: 0 };
}

/** Active, in the last share of its time, and not shortened by a success. */
function isEnding({ looks, sinceMs, untilMs }: Hold, nowMs: number): boolean {
  const leftMs = untilMs - nowMs;
  return looks > 0 && leftMs > 0 && leftMs <= (untilMs - sinceMs) * ENDING_SHARE;
}

function nextHold(key: string, last: Hold | undefined, nowMs: number): Hold {
  const looks = (last?.looks ?? 0) + 1;
  const maxMs = key === SHARED_KEY ? SHARED_HOLD_MS_MAX : HOLD_MS_MAX;
  return { looks, sinceMs: nowMs, untilMs: nowMs + Math.min(HOLD_MS * 2 ** Math.min(looks - 1, 30), maxMs) };
}

/** The path has worked since, so the earlier refusal was not a property of the path. */
function withSuccess(doubt: Doubt, key: string): Doubt {
  const hold = doubt.holds.get(key);
  if (hold === undefined || hold.looks === 0) return doubt;
  const untilMs = Math.min(hold.untilMs, hold.sinceMs + HOLD_MS);
  return { ...doubt, holds: new Map(doubt.holds).set(key, { ...hold, looks: 0, untilMs }) };
}

/** The key under which a report is kept: the shared key if there are too many. */
function keptKey({ holds, pending, looking }: Doubt, key: string): string {
  if (holds.has(key) || pending.has(key) || looking?.has(key) === true) return key;
  return holds.size + pending.size + (looking?.size ?? 0) >= KEYS_MAX ? SHARED_KEY : key;
}
