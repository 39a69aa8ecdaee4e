/**
 * Reports that the platform refused the current token, and what was found when they were looked into.
 *
 * A report names a key: the path of the refused call. One look (a question to the platform about the
 * token itself) settles every report that was received before it began. A look that finds the token
 * accepted holds the reported keys: for a while further reports of them start nothing. Other keys are
 * not affected, so one endpoint that refuses every token never delays the healing of the others.
 */
export interface Doubt {
  /** Keys whose reports wait for the next look. */
  readonly pending: ReadonlySet<string>;
  /** The keys that the look under way settles. */
  readonly looking: ReadonlySet<string> | undefined;
  readonly holds: ReadonlyMap<string, Hold>;
  /** Looks are numbered from 1: how many have begun, and the last one that was settled. */
  readonly begun: number;
  readonly settled: number;
  readonly lookedAtMs: number;
  /** How often the look under way has failed and is to be repeated soon. */
  readonly tries: number;
  /** The errcode of the last report. */
  readonly errcode: number;
  /** How often a refresh that was spent on the token brought the very same one. */
  readonly spentInVain: number;
}

export interface Hold {
  /** Looks in a row that found the token accepted. */
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
  spentInVain: 0,
};

/** The key of all reports that name no path of their own. */
export const SHARED_KEY = '*';

/** Looks of one account are this far apart, start to start. */
export const LOOK_SPACING_MS = 2_000;

/** The first hold; each further look that finds the token accepted doubles it. */
export const HOLD_MS = 2_000;
export const HOLD_MS_MAX = 600_000;
/** Behind the shared key may be any number of paths, so it is never held for long. */
export const SHARED_HOLD_MS_MAX = 30_000;

/** The last share of a hold, in which another key's look renews it. */
const ENDING_SHARE = 0.25;

/** A look that fails in a way that may pass is repeated this often, each time within a second. */
export const LOOK_REPEATS = 2;
export const LOOK_REPEAT_MS = 1_000;

/** More keys than this share one. */
export const KEYS_MAX = 2_000;

export function isDoubted({ pending, looking }: Doubt): boolean {
  return looking !== undefined || pending.size > 0;
}

/** The hold of a key, if it is in force. */
export function holdOf(doubt: Doubt, key: string, nowMs: number): Hold | undefined {
  const hold = doubt.holds.get(keptKey(doubt, key));
  return hold !== undefined && nowMs < hold.untilMs ? hold : undefined;
}

/** The number of the look that settles a report of this key which is received now. */
export function settlingLook(doubt: Doubt, key: string): number {
  return doubt.looking?.has(keptKey(doubt, key)) === true ? doubt.begun : doubt.begun + 1;
}

/** Whether a report of this key would start nothing: it is held, or a look for it is on its way. */
export function isCovered(doubt: Doubt, { key, succeeded }: Report, nowMs: number): boolean {
  const kept = keptKey(doubt, key);
  if (doubt.pending.has(kept) || doubt.looking?.has(kept) === true) return true;
  return !succeeded && holdOf(doubt, kept, nowMs) !== undefined;
}

/** Returns the very same doubt if the report starts nothing. */
export function withReport(doubt: Doubt, report: Report, nowMs: number): Doubt {
  const key = keptKey(doubt, report.key);
  const heard = report.succeeded ? withSuccess(doubt, key) : doubt;
  if (isCovered(heard, { ...report, key, succeeded: false }, nowMs)) return heard;
  return { ...heard, pending: new Set([...heard.pending, key]), errcode: report.errcode };
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

/** The look was not concluded: what it was about waits for the next one. */
export function lookFailed(doubt: Doubt): Doubt {
  const { looking, pending } = doubt;
  return { ...doubt, pending: new Set([...(looking ?? []), ...pending]), looking: undefined };
}

/**
 * The platform accepts the token: the keys that were looked into are held. So are those whose hold is
 * about to end, or many endpoints that refuse every token would each need looks of their own.
 */
export function lookAccepted(doubt: Doubt, nowMs: number): Doubt {
  const holds = new Map(doubt.holds);
  for (const key of doubt.looking ?? []) holds.set(key, nextHold(key, doubt.holds.get(key), nowMs));
  for (const [key, hold] of doubt.holds) {
    if (isEnding(hold, nowMs) && doubt.looking?.has(key) !== true) holds.set(key, nextHold(key, hold, nowMs));
  }
  return { ...doubt, looking: undefined, holds, settled: doubt.begun, tries: 0, spentInVain: 0 };
}

/** In force, for no more than the last part of its time, and not cut short by a success. */
function isEnding({ looks, sinceMs, untilMs }: Hold, nowMs: number): boolean {
  const leftMs = untilMs - nowMs;
  return looks > 0 && leftMs > 0 && leftMs <= (untilMs - sinceMs) * ENDING_SHARE;
}

function nextHold(key: string, last: Hold | undefined, nowMs: number): Hold {
  const looks = (last?.looks ?? 0) + 1;
  const maxMs = key === SHARED_KEY ? SHARED_HOLD_MS_MAX : HOLD_MS_MAX;
  return { looks, sinceMs: nowMs, untilMs: nowMs + Math.min(HOLD_MS * 2 ** Math.min(looks - 1, 30), maxMs) };
}

/** The path worked since: whatever refused it before was no property of the path. */
function withSuccess(doubt: Doubt, key: string): Doubt {
  const hold = doubt.holds.get(key);
  if (hold === undefined || hold.looks === 0) return doubt;
  const untilMs = Math.min(hold.untilMs, hold.sinceMs + HOLD_MS);
  return { ...doubt, holds: new Map(doubt.holds).set(key, { ...hold, looks: 0, untilMs }) };
}

/** The key under which a report is kept: the shared one once there are too many. */
function keptKey({ holds, pending, looking }: Doubt, key: string): string {
  if (holds.has(key) || pending.has(key) || looking?.has(key) === true) return key;
  return holds.size + pending.size + (looking?.size ?? 0) >= KEYS_MAX ? SHARED_KEY : key;
}
