import { lifeOf, type SharedRecord, type Snapshot, type StoreUnavailable } from '../store/shared-records.ts';
import { policyFor } from '../token/policy.ts';
import { currentUses } from '../token/quota.ts';
import type { SharedState } from '../token/state.ts';
import { makeToken } from '../token/token.ts';

/** What this process knows about one account in a shared store. Immutable; `learn` returns the next one. */
export interface StoreView {
  readonly link: Link;
  /** The store's clock minus our monotonic clock; estimated by our Unix time until the store has responded. */
  readonly offsetMs: number;
  /** The forced refreshes of the last day, by the store's clock; undefined until the store has responded. */
  readonly forcedAtUnixMs: readonly number[] | undefined;
  /** The token that we serve, as it is published or will be. */
  readonly held: Held | undefined;
}

export type Link =
  | { readonly kind: 'unavailable'; readonly wasConnected: boolean }
  /** `sinceMs`: when we last found that the store was unavailable or had lost data; -Infinity if never. */
  | { readonly kind: 'connected'; readonly sinceMs: number; readonly isDecryptable: boolean };

export interface Held {
  readonly record: SharedRecord;
  /** On our monotonic clock, which changes of the store's clock do not affect. */
  readonly issuedAtMs: number;
  /** `forgotten`: it was stored, and no longer is. */
  readonly stored: 'yes' | 'not yet' | 'forgotten';
}

/** A response of the store, and when it was requested and received, on our monotonic clock. */
export interface StoreAnswer {
  readonly seen: Snapshot | StoreUnavailable;
  readonly askedAtMs: number;
  readonly nowMs: number;
}

export interface Learned {
  readonly view: StoreView;
  /** What the keeper must learn; undefined if the store did not respond. */
  readonly news: SharedState | undefined;
  /** Forced refreshes that are missing in the store: it has lost them, or was unavailable. */
  readonly unrecorded: readonly number[];
  /** Whether the store is behind what we hold. */
  readonly isBehind: boolean;
  readonly events: readonly StoreEvent[];
}

/** What is logged. */
export type StoreEvent = 'forgotten' | 'undecryptable' | 'in_clear';

/** Updates the view with a response of the store. */
export function learn(view: StoreView, { seen, askedAtMs, nowMs }: StoreAnswer): Learned {
  if (seen.kind === 'unavailable') {
    const wasConnected = view.link.kind === 'connected' || view.link.wasConnected;
    const unavailable: StoreView = { ...view, link: { kind: 'unavailable', wasConnected } };
    return { view: unavailable, news: undefined, unrecorded: [], isBehind: false, events: [] };
  }
  const offsetMs = seen.nowUnixMs - (askedAtMs + nowMs) / 2;
  const known = { ...view, offsetMs };
  const forcedAtUnixMs = withForced(known, seen.forcedAtUnixMs, nowMs);
  const stored = seen.record?.generation ?? 0;
  const held = heldAfter(known, seen, nowMs);
  const isForgotten = held?.stored === 'forgotten' && view.held?.stored === 'yes';
  const isDecryptable = !(seen.isUndecryptable && (seen.record?.expiresAtUnixMs ?? 0) > seen.nowUnixMs);
  const sinceMs = isForgotten ? nowMs : steadySinceMs(view.link, nowMs);
  const next: StoreView = {
    link: { kind: 'connected', sinceMs, isDecryptable },
    offsetMs,
    forcedAtUnixMs,
    held,
  };
  const isNews = held !== undefined && held.record !== view.held?.record;
  return {
    view: next,
    news: isNews ? sharedOf(next) : { forcedAtMs: forcedAtMsOf(next) },
    unrecorded: unrecorded(forcedAtUnixMs, seen.forcedAtUnixMs),
    isBehind: held !== undefined && stored < held.record.generation && isLive(held, nowMs),
    events: [...(isForgotten ? (['forgotten'] as const) : []), ...unreadable(view.link, seen, isDecryptable)],
  };
}

/** The token and the forced refreshes of a view, on our monotonic clock. */
export function sharedOf(view: StoreView): SharedState {
  const forcedAtMs = forcedAtMsOf(view);
  if (view.held === undefined) return { forcedAtMs };
  const { record, issuedAtMs } = view.held;
  return { token: makeToken(record.value.reveal(), issuedAtMs, lifeOf(record)), forcedAtMs };
}

function forcedAtMsOf({ forcedAtUnixMs, offsetMs }: StoreView): readonly number[] {
  return (forcedAtUnixMs ?? []).map((unixMs) => unixMs - offsetMs);
}

/** Adds forced refreshes to those that a view knows of. */
export function withForced(
  { forcedAtUnixMs, offsetMs }: StoreView,
  atUnixMs: readonly number[],
  nowMs: number,
): readonly number[] {
  return currentUses(forcedAtUnixMs ?? [], atUnixMs, policyFor('stable').quota, Math.round(nowMs + offsetMs));
}

export function generationOf({ held }: StoreView): number {
  return held?.record.generation ?? 0;
}

/** A later record replaces ours; otherwise, notes whether the store still has ours. */
function heldAfter({ held, offsetMs }: StoreView, seen: Snapshot, nowMs: number): Held | undefined {
  const { readable, record } = seen;
  const ours = held?.record.generation ?? 0;
  const stored = record?.generation ?? 0;
  if (readable !== undefined && stored > ours) {
    return {
      record: readable,
      issuedAtMs: Math.min(readable.issuedAtUnixMs - offsetMs, nowMs),
      stored: 'yes',
    };
  }
  if (held === undefined || stored > ours) return held;
  // No matter who stored it.
  if (stored === ours) return { ...held, stored: 'yes' };
  return held.stored === 'yes' ? { ...held, stored: 'forgotten' } : held;
}

function steadySinceMs(link: Link, nowMs: number): number {
  if (link.kind === 'connected') return link.sinceMs;
  return link.wasConnected ? nowMs : -Infinity;
}

function unrecorded(known: readonly number[], stored: readonly number[]): readonly number[] {
  const { spacingMs } = policyFor('stable').quota;
  return known.filter((atMs) => !stored.some((it) => Math.abs(it - atMs) < spacingMs / 2));
}

function isLive({ issuedAtMs, record }: Held, nowMs: number): boolean {
  return issuedAtMs + lifeOf(record) > nowMs;
}

/** Logged once, until it is resolved or the store was unavailable. */
function unreadable(before: Link, seen: Snapshot, isDecryptable: boolean): StoreEvent[] {
  if (isDecryptable || (before.kind === 'connected' && !before.isDecryptable)) return [];
  return [seen.isInClear === true ? 'in_clear' : 'undecryptable'];
}
