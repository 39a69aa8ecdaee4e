import { seededRandom } from '../../src/base/random.ts';
import { step } from '../../src/token/machine.ts';
import { policyFor } from '../../src/token/policy.ts';
import { type Effect, type Event, INITIAL_STATE, type State, wakeAtMs } from '../../src/token/state.ts';
import { makeToken, type Token, type TokenMode } from '../../src/token/token.ts';

export type Round = Extract<Effect, { kind: 'fetch' | 'probe' }>;

/** A platform's answer to a round, as the event that it becomes. */
export type Platform = (round: Round, life: Life) => Event | undefined;

/**
 * A state machine with a clock of its own. Rounds are answered at once by `platform`, or stay in
 * flight where it answers undefined.
 */
export class Life {
  state: State = INITIAL_STATE;
  nowMs = 1_000_000;
  mode: TokenMode;
  platform: Platform;
  readonly random: () => number;
  readonly effects: Effect[] = [];
  readonly rounds: { atMs: number; round: Round }[] = [];

  constructor(mode: TokenMode, platform: Platform = () => undefined, random: () => number = seededRandom(7)) {
    this.mode = mode;
    this.platform = platform;
    this.random = random;
  }

  do(event: Event): Effect[] {
    const made: Effect[] = [];
    const events: Event[] = [event];
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const { state, effects } = step(this.state, next, this.nowMs, policyFor(this.mode), this.random);
      this.state = state;
      made.push(...effects);
      for (const effect of effects) {
        if (effect.kind !== 'fetch' && effect.kind !== 'probe') continue;
        this.rounds.push({ atMs: this.nowMs, round: effect });
        const answer = this.platform(effect, this);
        if (answer !== undefined) events.push(answer);
      }
    }
    this.effects.push(...made);
    return made;
  }

  /** Begins without anything remembered. */
  begin(): this {
    this.do({ kind: 'loaded', forcedAtMs: [] });
    return this;
  }

  report(errcode = 40001, key = '/cgi-bin/user/info', succeeded = false): Effect[] {
    return this.do({ kind: 'reported', fingerprint: this.token().fingerprint, errcode, key, succeeded });
  }

  /** Lets time pass, waking the machine whenever it wants to be. */
  pass(byMs: number): void {
    const endMs = this.nowMs + byMs;
    for (;;) {
      const atMs = wakeAtMs(this.state);
      if (atMs === undefined || atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      this.do({ kind: 'wake' });
    }
    this.nowMs = endMs;
  }

  token(): Token {
    if (this.state.token === undefined) throw new Error('no token yet');
    return this.state.token;
  }

  /** What was asked of the platform since then: `fetch`, `force` or `probe`. */
  asked(sinceMs = 0): string[] {
    return this.rounds
      .filter(({ atMs }) => atMs >= sinceMs)
      .map(({ round }) => (round.kind === 'fetch' && round.force ? 'force' : round.kind));
  }
}

let made = 0;

export function freshToken(atMs: number, lifeMs = 7_200_000): Token {
  made += 1;
  return makeToken(`token-${made}`, atMs, lifeMs);
}

export const busy = { errcode: -1, message: 'busy' };

/** A platform with the rules of its kind that also says whether a token is accepted. */
export class ModelPlatform {
  lifeMs: number;
  isDown = false;
  /** Fingerprints that it refuses, whatever it hands out. */
  readonly dead: Set<string> = new Set();
  #current: Token | undefined;

  constructor(lifeMs = 7_200_000) {
    this.lifeMs = lifeMs;
  }

  readonly answer: Platform = (round, life) => {
    if (this.isDown) {
      return round.kind === 'fetch'
        ? { kind: 'fetchFailed', round: round.round, diagnosis: busy }
        : { kind: 'probed', round: round.round, outcome: busy };
    }
    if (round.kind === 'probe') {
      const isRefused = this.dead.has(round.token.fingerprint);
      return { kind: 'probed', round: round.round, outcome: isRefused ? 'refused' : 'accepted' };
    }
    const current = this.#current;
    const leftMs = current === undefined ? 0 : current.expiresAtMs - life.nowMs;
    const windowMs = Math.min(300_000, this.lifeMs / 4);
    const isKept = life.mode === 'stable' && !round.force && leftMs > windowMs;
    if (current !== undefined && isKept) {
      const again = makeToken(current.value.reveal(), life.nowMs, leftMs);
      return { kind: 'fetched', round: round.round, token: again };
    }
    this.#current = freshToken(life.nowMs, this.lifeMs);
    return { kind: 'fetched', round: round.round, token: this.#current };
  };
}
