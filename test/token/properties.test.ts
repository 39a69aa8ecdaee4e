import test from 'ava';
import * as fc from 'fast-check';
import { seededRandom } from '../../src/base/random.ts';
import { step } from '../../src/token/machine.ts';
import { policyFor } from '../../src/token/policy.ts';
import {
  type Effect,
  type Event,
  INITIAL_STATE,
  type SharedState,
  type State,
  wakeAtMs,
} from '../../src/token/state.ts';
import { isLive, makeToken, type TokenMode } from '../../src/token/token.ts';

type Command =
  | { readonly do: 'pass'; readonly byMs: number }
  | { readonly do: 'wake' | 'demanded' | 'manual' | 'reconfigured' | 'switchMode' }
  | {
      readonly do: 'report';
      readonly isCurrent: boolean;
      readonly errcode: number;
      readonly key: string;
      readonly succeeded: boolean;
    }
  | { readonly do: 'answer'; readonly how: 'new' | 'same' | 'busy' | 'slow' | 'accepted' | 'refused' }
  | { readonly do: 'answerStale'; readonly how: 'new' | 'busy' | 'refused' }
  | { readonly do: 'adopt' | 'yield'; readonly ageMs: number; readonly forcedAgoMs: readonly number[] };

const passing: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('pass' as const),
  byMs: fc.oneof(
    fc.integer({ min: 0, max: 2_000 }),
    fc.integer({ min: 0, max: 60_000 }),
    fc.integer({ min: 0, max: 8_000_000 }),
  ),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: passing },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('wake', 'demanded', 'manual', 'reconfigured', 'switchMode') }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      isCurrent: fc.boolean(),
      errcode: fc.constantFrom(40001, 40014, 42001),
      key: fc.constantFrom('/a', '/b', '/c', '*'),
      succeeded: fc.boolean(),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      how: fc.constantFrom('new', 'same', 'busy', 'slow', 'accepted', 'refused', 'refused', 'same'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('answerStale' as const),
      how: fc.constantFrom('new', 'busy', 'refused'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('adopt' as const, 'yield' as const),
      ageMs: fc.integer({ min: -5_000, max: 100_000 }),
      forcedAgoMs: fc.array(fc.integer({ min: 0, max: 100_000_000 }), { maxLength: 3 }),
    }),
  },
);

const DAY_MS = 24 * 3_600_000;

/** Runs commands against the machine, and checks after each what must hold whatever happens. */
class World {
  state: State = INITIAL_STATE;
  nowMs = 1_000_000;
  mode: TokenMode;
  inFlight: Extract<Effect, { kind: 'fetch' | 'probe' }> | undefined;
  readonly forces: { startMs: number; endMs: number }[] = [];
  /** When the platform answered the last fetch, and what it had said by then. */
  fetchedAtMs = -Infinity;
  shortLives = 0;
  readonly #random: () => number;
  readonly #lifeMs: number;
  #tokens = 0;

  constructor(mode: TokenMode, lifeMs: number, seed: number) {
    this.mode = mode;
    this.#lifeMs = lifeMs;
    this.#random = seededRandom(seed);
    this.send({ kind: 'loaded', forcedAtMs: [] });
  }

  run(one: Command): void {
    switch (one.do) {
      case 'pass':
        return this.#pass(one.byMs);
      case 'wake':
      case 'demanded':
      case 'manual':
      case 'reconfigured':
        return this.send({ kind: one.do });
      case 'switchMode':
        this.mode = this.mode === 'stable' ? 'classic' : 'stable';
        return this.send({ kind: 'reconfigured' });
      case 'report': {
        const current = this.state.token?.fingerprint;
        const isCurrent = one.isCurrent && current !== undefined;
        return this.send({
          kind: 'reported',
          fingerprint: isCurrent ? current : 'feedfeedfeedfeed',
          errcode: one.errcode,
          key: one.key,
          succeeded: one.succeeded,
        });
      }
      case 'answer':
        return this.#answer(one.how);
      case 'answerStale':
        return this.#answerStale(one.how);
      case 'adopt':
        return this.send({ kind: 'adopted', ...this.#shared(one.ageMs, one.forcedAgoMs) });
      case 'yield': {
        const { inFlight } = this;
        if (inFlight === undefined) return;
        // A forced refresh that was yielded was never made.
        if (inFlight.kind === 'fetch' && inFlight.force) this.forces.pop();
        this.inFlight = undefined;
        return this.send({
          kind: 'yielded',
          round: inFlight.round,
          ...this.#shared(one.ageMs, one.forcedAgoMs),
        });
      }
    }
  }

  send(event: Event): void {
    const before = this.state;
    const wasInFlight = this.inFlight;
    const endsRound = event.kind === 'fetched' || event.kind === 'fetchFailed' || event.kind === 'probed';
    if (endsRound && event.round === wasInFlight?.round) {
      this.inFlight = undefined;
      if (wasInFlight.kind === 'fetch' && wasInFlight.force)
        (this.forces.at(-1) ?? { endMs: 0 }).endMs = this.nowMs;
    }
    this.#noteLife(before, event, wasInFlight);
    const { state, effects } = step(before, event, this.nowMs, policyFor(this.mode), this.#random);
    this.state = state;
    for (const effect of effects) this.#check(effect);
    this.#checkToken(before, event);
    if (event.kind === 'reported' && event.fingerprint !== before.token?.fingerprint) {
      must(effects.length === 0 && state === before, 'a report of another token did something');
    }
    const isWaiting = this.inFlight !== undefined;
    must(isWaiting || wakeAtMs(state) !== undefined, 'neither a round in flight nor a wake');
    must(
      isWaiting === (state.phase.kind === 'fetching' || state.phase.kind === 'probing'),
      'a phase without its round',
    );
  }

  #check(effect: Effect): void {
    if (effect.kind !== 'fetch' && effect.kind !== 'probe') return;
    must(this.inFlight === undefined, 'two rounds in flight');
    this.inFlight = effect;
    if (effect.kind === 'fetch') {
      const isFree = this.shortLives < 3 || this.nowMs - this.fetchedAtMs >= 30_000;
      must(isFree, 'fetched within 30 s of the third life under 5 s');
    }
    if (effect.kind === 'probe' || !effect.force) return;
    const last = this.forces.at(-1);
    must(last === undefined || this.nowMs - last.endMs >= 30_000, 'forced twice within 30 s');
    this.forces.push({ startMs: this.nowMs, endMs: this.nowMs });
    const today = this.forces.filter(({ startMs }) => this.nowMs - startMs < DAY_MS);
    must(today.length <= 20, 'forced more than 20 times in a day');
  }

  /** By events alone: three new tokens with lives under 5 s in a row, without a change of the settings. */
  #noteLife(before: State, event: Event, round: World['inFlight']): void {
    if (event.kind === 'reconfigured') this.shortLives = 0;
    const isAnswer = event.kind === 'fetched' || event.kind === 'fetchFailed';
    if (!isAnswer || event.round !== round?.round) return;
    this.fetchedAtMs = this.nowMs;
    if (event.kind !== 'fetched' || event.token.fingerprint === before.token?.fingerprint) return;
    const isShort = event.token.expiresAtMs - event.token.issuedAtMs < 5_000;
    this.shortLives = isShort ? this.shortLives + 1 : 0;
  }

  #checkToken(before: State, event: Event): void {
    if (before.token === undefined || this.state.token === before.token) return;
    const isHanded = event.kind === 'fetched' || event.kind === 'adopted' || event.kind === 'yielded';
    must(isHanded && this.state.token?.fingerprint === event.token?.fingerprint, 'a token was dropped');
  }

  /** As a shell does: wakes when it was asked to, and finds something done or another time to wake. */
  #pass(byMs: number): void {
    const endMs = this.nowMs + byMs;
    for (;;) {
      const atMs = wakeAtMs(this.state);
      if (atMs === undefined || atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      this.send({ kind: 'wake' });
      const nextMs = wakeAtMs(this.state);
      must(nextMs === undefined || nextMs > this.nowMs, 'a wake that changed nothing');
    }
    this.nowMs = endMs;
  }

  #answer(how: string): void {
    const { inFlight, nowMs } = this;
    if (inFlight === undefined) return;
    const { round } = inFlight;
    const diagnosis =
      how === 'slow' ? { errcode: 40164, message: '', recheckMs: 60_000 } : { errcode: -1, message: '' };
    if (inFlight.kind === 'probe') {
      const outcome = how === 'accepted' || how === 'refused' ? how : diagnosis;
      return this.send({ kind: 'probed', round, outcome });
    }
    const { token } = this.state;
    if (how === 'same' && isLive(token, nowMs)) {
      const again = makeToken(token.value.reveal(), nowMs, token.expiresAtMs - nowMs);
      return this.send({ kind: 'fetched', round, token: again });
    }
    if (how === 'busy' || how === 'slow') return this.send({ kind: 'fetchFailed', round, diagnosis });
    this.send({ kind: 'fetched', round, token: this.#newToken(nowMs) });
  }

  #answerStale(how: string): void {
    const round = (this.inFlight?.round ?? this.state.rounds + 1) - 1;
    if (this.inFlight?.round === round) return;
    const before = this.state;
    if (how === 'new') this.send({ kind: 'fetched', round, token: this.#newToken(this.nowMs) });
    else if (how === 'busy')
      this.send({ kind: 'fetchFailed', round, diagnosis: { errcode: -1, message: '' } });
    else this.send({ kind: 'probed', round, outcome: 'refused' });
    must(this.state === before, 'a stale outcome did something');
  }

  #shared(ageMs: number, forcedAgoMs: readonly number[]): SharedState {
    const { phase, usedAtMs } = this.state;
    const isCharged = phase.kind === 'fetching' && phase.charged === 'stable';
    const ours = isCharged ? usedAtMs.stable.slice(0, -1) : usedAtMs.stable;
    const theirs = forcedAgoMs.map((agoMs) => this.nowMs - agoMs);
    const forcedAtMs = [...ours, ...theirs].toSorted((a, b) => a - b);
    return { token: this.#newToken(this.nowMs - ageMs), forcedAtMs };
  }

  #newToken(issuedAtMs: number): ReturnType<typeof makeToken> {
    this.#tokens += 1;
    return makeToken(`made-${this.#tokens}`, issuedAtMs, this.#lifeMs);
  }
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

test('the state machine keeps its promises for any events in any order', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom('stable' as const, 'classic' as const),
      fc.constantFrom(1, 1_000, 4_999, 5_000, 60_000, 7_200_000),
      fc.integer(),
      fc.array(command, { minLength: 20, maxLength: 300, size: 'max' }),
      (mode, lifeMs, seed, commands) => {
        const world = new World(mode, lifeMs, seed);
        for (const one of commands) world.run(one);
      },
    ),
    { numRuns: 400 },
  );
  t.pass();
});

/** Someone refuses each of our tokens, and we hear of it after each of these gaps. */
function quarrel(gapsMs: readonly number[]): World {
  const world = new World('stable', 7_200_000, 1);
  for (const byMs of gapsMs) {
    world.run({ do: 'answer', how: 'same' });
    world.run({ do: 'answer', how: 'refused' });
    world.run({ do: 'answer', how: 'new' });
    world.run({ do: 'report', isCurrent: true, errcode: 40001, key: '/a', succeeded: false });
    world.run({ do: 'pass', byMs });
  }
  return world;
}

test('programs that replace each other’s tokens for days do not exceed the quota of forced refreshes', (t) => {
  const gaps = fc.array(fc.integer({ min: 0, max: 600_000 }), {
    minLength: 100,
    maxLength: 600,
    size: 'max',
  });
  fc.assert(
    fc.property(gaps, (gapsMs) => void quarrel(gapsMs)),
    { numRuns: 50 },
  );
  t.is(quarrel(Array.from({ length: 600 }, () => 60_000)).forces.length, 20);
});
