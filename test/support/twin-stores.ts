import { isDeepStrictEqual } from 'node:util';
import { Secret } from '../../src/base/secret.ts';
import type { SharedAccount } from '../../src/store/shared-records.ts';
import { asOf, type Command, EMPTY, keyOf, type Place } from './store-model.ts';

/** What Redis's clock and its expiry may differ by within one command. */
const CLOCK_MS = 2;

/** Answers that differ by no more than the time that a command took. */
const TIMES: ReadonlySet<string> = new Set(['leftMs', 'issuedAtUnixMs', 'expiresAtUnixMs']);

/**
 * A real Redis and the model, side by side. Nobody can turn Redis's clock, so each command is bracketed by two
 * questions for the time; whatever the model would answer at some moment between them is right. Where that leaves
 * more than one thing to be stored (a turn that ended, or did not quite), all of them are followed.
 */
export class TwinStores {
  /** What the listeners must hear, in order. */
  readonly told: SharedAccount[] = [];
  /** The clock of Redis, in ms. */
  readonly nowUnixMs: () => Promise<number>;
  readonly #candidates = new Map<string, readonly Place[]>();
  #toleranceMs = CLOCK_MS;

  constructor(nowUnixMs: () => Promise<number>) {
    this.nowUnixMs = nowUnixMs;
  }

  /** Resolves to what Redis answered, and throws where the model cannot have answered it. */
  async act<Answer>(
    account: SharedAccount,
    onRedis: () => Promise<Answer | { readonly kind: 'unavailable' } | 'unavailable' | void>,
    command: Command<Answer>,
  ): Promise<Answer> {
    const fromMs = await this.nowUnixMs();
    const answer = (await onRedis()) as Answer;
    const toMs = await this.nowUnixMs();
    this.#toleranceMs = Math.max(this.#toleranceMs, toMs - fromMs + CLOCK_MS);
    const moments = momentsOf(answer) ?? [fromMs, toMs];
    const places = this.#placesOf(account).flatMap((place) =>
      moments.flatMap((nowMs) => this.#possible(place, nowMs).map((each) => command(each, nowMs))),
    );
    const right = places.filter(
      (done) => answer === undefined || agree(done.answer, answer, this.#toleranceMs),
    );
    if (right[0] === undefined) {
      throw new Error(
        `Redis answered ${text(answer)}, the model ${places.map(({ answer: its }) => text(its)).join(' or ')}`,
      );
    }
    this.#candidates.set(
      keyOf(account),
      distinct(
        right.map(({ place }) => place),
        this.#toleranceMs,
      ),
    );
    if (right[0].isTold === true) this.told.push(account);
    return answer;
  }

  /** What is done to both past all commands, as by a fail-over. */
  change(account: SharedAccount, change: (place: Place) => Place): void {
    this.#candidates.set(keyOf(account), this.#placesOf(account).map(change));
  }

  forgetAll(): void {
    this.#candidates.clear();
  }

  #placesOf(account: SharedAccount): readonly Place[] {
    return this.#candidates.get(keyOf(account)) ?? [EMPTY];
  }

  /** What ends at about this moment may have ended, or not. */
  #possible(place: Place, nowMs: number): readonly Place[] {
    const { lease, doubted } = place;
    const isClose = (untilMs: number | undefined): boolean =>
      untilMs !== undefined && Math.abs(untilMs - nowMs) <= this.#toleranceMs;
    if (!isClose(lease?.untilMs) && !isClose(doubted?.untilMs)) return [place];
    const later = nowMs + 1;
    const lasting: Place = {
      ...place,
      ...(lease !== undefined && { lease: { ...lease, untilMs: Math.max(lease.untilMs, later) } }),
      ...(doubted !== undefined && { doubted: { ...doubted, untilMs: Math.max(doubted.untilMs, later) } }),
    };
    return [asOf(place, nowMs + this.#toleranceMs), lasting];
  }
}

/** A snapshot says at which moment it was taken. */
function momentsOf(answer: unknown): readonly number[] | undefined {
  if (typeof answer !== 'object' || answer === null || !('nowUnixMs' in answer)) return undefined;
  return [answer.nowUnixMs as number];
}

/** Without those that differ from another by times within the tolerance alone. */
function distinct(places: readonly Place[], toleranceMs: number): readonly Place[] {
  const kept: Place[] = [];
  for (const place of places) {
    if (!kept.some((other) => isAlike(other, place, toleranceMs))) kept.push(place);
  }
  return kept;
}

function isAlike(one: Place, other: Place, toleranceMs: number): boolean {
  return (
    one.record === other.record &&
    one.dated?.generation === other.dated?.generation &&
    one.lease?.owner === other.lease?.owner &&
    one.doubted?.fingerprint === other.doubted?.fingerprint &&
    areClose(endsOf(one), endsOf(other), toleranceMs) &&
    areClose(one.forced, other.forced, toleranceMs)
  );
}

function endsOf({ lease, doubted }: Place): readonly number[] {
  return [lease?.untilMs ?? 0, doubted?.untilMs ?? 0];
}

/**
 * Each has its like in the other. How many there are may differ: two that were stored within one millisecond are one
 * to Redis, and may have been two a millisecond later.
 */
function areClose(some: readonly number[], others: readonly number[], toleranceMs: number): boolean {
  const hasLike = (atMs: number, among: readonly number[]): boolean =>
    among.some((otherMs) => Math.abs(atMs - otherMs) <= toleranceMs);
  return some.every((atMs) => hasLike(atMs, others)) && others.every((atMs) => hasLike(atMs, some));
}

function agree(model: unknown, redis: unknown, toleranceMs: number, name = ''): boolean {
  if (typeof model === 'number' && typeof redis === 'number' && TIMES.has(name)) {
    return Math.abs(model - redis) <= toleranceMs;
  }
  if (name === 'forcedAtUnixMs' && Array.isArray(model) && Array.isArray(redis)) {
    return areClose(model as number[], redis as number[], toleranceMs);
  }
  if (model instanceof Secret && redis instanceof Secret) return model.reveal() === redis.reveal();
  if (typeof model !== 'object' || typeof redis !== 'object' || model === null || redis === null) {
    return isDeepStrictEqual(model, redis);
  }
  // The model does not hide the value in what only tells of a record.
  const keys = new Set([...Object.keys(model), ...Object.keys(redis)]);
  if (name === 'record') keys.delete('value');
  const [ours, theirs] = [model, redis] as Record<string, unknown>[];
  return [...keys].every((key) => agree(ours?.[key], theirs?.[key], toleranceMs, key));
}

function text(answer: unknown): string {
  return JSON.stringify(answer, (name, value: unknown) => (name === 'value' ? undefined : value));
}
