import test from 'ava';
import { refusal } from '../support/refusal.ts';
import * as fc from 'fast-check';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Token, TokenMode } from '../../src/token/token.ts';
import type { Credentials, FetchOutcome, Issuer, ProbeOutcome } from '../../src/wechat/issuer.ts';
import { ripple } from '../support/fake-issuer.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Holder, makeHolder, SharedMemory } from '../support/shared-store.ts';

const APPID = 'wx0123456789abcdef';
const STEP_MS = 250;
const LIFE_MS = 600_000;

type Command =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'report' | 'manual' | 'cut' | 'mend' | 'deaf' | 'kill'; readonly who: number }
  | { readonly do: 'kill platform token' | 'wipe' | 'stale' | 'keep' };

const who = fc.integer({ min: 0, max: 2 });
const pass = fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40_000 }) });
const briefly = fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 3_000 }) });
const doing = (...what: ('report' | 'manual' | 'cut' | 'mend' | 'deaf' | 'kill')[]): fc.Arbitrary<Command> =>
  fc.record({ do: fc.constantFrom(...what), who });

const usual: readonly fc.Arbitrary<Command>[] = [
  pass,
  briefly,
  briefly,
  doing('report', 'report', 'manual'),
  doing('cut', 'mend', 'mend', 'deaf'),
  fc.constant({ do: 'kill platform token' as const }),
];
/** Deaths of holders, or the memory of the store: a holder that is new to a store that forgot knows nothing. */
const deaths = fc.oneof(...usual, doing('kill'));
const amnesia = fc.oneof(
  ...usual,
  fc.constantFrom({ do: 'wipe' as const }, { do: 'stale' as const }, { do: 'keep' as const }),
);

interface Asked {
  readonly by: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly force: boolean;
  readonly isCut: boolean;
}

/** A platform that takes up to five seconds, and knows which of its tokens is how old. */
class Platform {
  readonly asked: Asked[] = [];
  readonly #clock: ManualClock;
  readonly #random: Random;
  readonly #tokens: { value: string; endMs: number }[] = [];
  #forcedAtMs = -Infinity;

  constructor(clock: ManualClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  issuerFor(by: string, isCut: () => boolean): Issuer {
    return {
      fetch: async (app, force) => {
        const nowMs = this.#clock.monotonicMs();
        const takesMs = Math.floor(this.#random() * 5_000);
        this.asked.push({ by, startMs: nowMs, endMs: nowMs + takesMs, force, isCut: isCut() });
        await this.#after(takesMs * this.#random());
        const outcome = this.#give(app.mode, force);
        await this.#after(nowMs + takesMs - this.#clock.monotonicMs());
        return outcome;
      },
      probe: async (token): Promise<ProbeOutcome> => {
        await this.#after(this.#random() * 500);
        return this.accepts(token) ? { kind: 'accepted' } : { kind: 'refused', errcode: 40001 };
      },
    };
  }

  /** The place of a token among all that were ever given. */
  indexOf(token: Token): number {
    return this.#tokens.findIndex(({ value }) => value === token.value.reveal());
  }

  accepts(token: Token): boolean {
    return (this.#tokens[this.indexOf(token)]?.endMs ?? 0) > this.#clock.monotonicMs();
  }

  killCurrent(): void {
    const current = this.#tokens.at(-1);
    if (current !== undefined) current.endMs = this.#clock.monotonicMs();
  }

  #give(mode: TokenMode, force: boolean): FetchOutcome {
    if (this.#random() < 0.1) return { kind: 'failure', cause: 'platform', errcode: -1, detail: 'busy' };
    const nowMs = this.#clock.monotonicMs();
    const current = this.#tokens.at(-1);
    const isForced = force && nowMs - this.#forcedAtMs >= 30_000;
    if (isForced) this.#forcedAtMs = nowMs;
    const isFresh = current !== undefined && current.endMs - nowMs > LIFE_MS / 4;
    if (mode === 'stable' && !isForced && isFresh) {
      return { kind: 'token', value: new Secret(current.value), expiresInMs: current.endMs - nowMs };
    }
    for (const old of this.#tokens) old.endMs = Math.min(old.endMs, nowMs + (old === current ? 60_000 : 0));
    const value = `token-${this.#tokens.length}`;
    this.#tokens.push({ value, endMs: nowMs + LIFE_MS });
    return { kind: 'token', value: new Secret(value), expiresInMs: LIFE_MS };
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }
}

class World {
  readonly clock: ManualClock = new ManualClock();
  readonly memory: SharedMemory = new SharedMemory(this.clock);
  readonly platform: Platform;
  readonly holders: Holder[] = [];
  readonly #app: Credentials;
  readonly #served: Map<Holder, number> = new Map();
  #kept = this.memory.places;
  #made = 0;
  #hadNoTurns = false;

  constructor(mode: TokenMode, seed: number) {
    this.platform = new Platform(this.clock, seededRandom(seed));
    this.#app = { appid: APPID, secret: new Secret('s'), mode };
    for (let index = 0; index < 3; index += 1) this.holders.push(this.#newHolder());
  }

  async run(command: Command): Promise<void> {
    if (command.do === 'pass') return this.pass(command.ms);
    if ('who' in command) await this.#toHolder(command.do, command.who);
    else if (command.do === 'kill platform token') this.platform.killCurrent();
    else if (command.do === 'keep') this.#kept = this.memory.places;
    else {
      this.#hadNoTurns = true;
      if (command.do === 'stale') this.#fallBack();
      else this.memory.places = new Map();
    }
    await ripple();
    this.#check();
  }

  /** A replica that was behind takes over; no connection outlives that. */
  #fallBack(): void {
    const connected = this.holders.filter(({ link }) => !link.isCut);
    for (const { link } of connected) link.cut();
    this.memory.places = this.#kept;
    this.#kept = this.memory.places;
    for (const { link } of connected) link.mend();
  }

  async pass(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) {
      this.clock.advance(Math.min(leftMs, STEP_MS));
      await ripple();
      this.#check();
    }
  }

  /** Everything is mended; callers report what is refused, as callers do. */
  async heal(): Promise<void> {
    for (const { link } of this.holders) {
      link.isDeaf = false;
      link.mend();
    }
    for (let times = 0; times < 30; times += 1) {
      await this.pass(15_000);
      for (const { keepers } of this.holders) {
        const token = keepers.peek(APPID);
        if (token !== undefined && !this.platform.accepts(token))
          void keepers.report(APPID, refusal(token.fingerprint, 40001));
      }
    }
    await this.pass(15_000);
  }

  async #toHolder(what: string, index: number): Promise<void> {
    const holder = this.holders[index];
    must(holder !== undefined, 'no such holder');
    const token = holder.keepers.peek(APPID);
    switch (what) {
      case 'report':
        if (token !== undefined) void holder.keepers.report(APPID, refusal(token.fingerprint, 42001));
        return;
      case 'manual':
        void holder.keepers.refreshNow(APPID);
        return;
      case 'cut':
        this.#hadNoTurns = true;
        return holder.link.cut();
      case 'mend':
        return holder.link.mend();
      case 'deaf':
        holder.link.isDeaf = !holder.link.isDeaf;
        return;
      case 'kill':
        // As kill -9: it tells nobody anything any more, though what it asked is still on its way.
        holder.link.isCut = true;
        void holder.keepers.close();
        this.holders[index] = this.#newHolder();
    }
  }

  #newHolder(): Holder {
    this.#made += 1;
    const name = `holder-${this.#made}`;
    const issuer: Issuer = this.platform.issuerFor(name, () => holder.link.isCut);
    const holder: Holder = makeHolder(name, this.memory, {
      app: this.#app,
      issuer,
      clock: this.clock,
      seed: this.#made,
    });
    holder.keepers.start();
    return holder;
  }

  #check(): void {
    for (const holder of this.holders) {
      const token = holder.keepers.peek(APPID);
      if (token === undefined) continue;
      const index = this.platform.indexOf(token);
      // Stable holders go on without turns, and then cannot tell whose token is the later one.
      const mayGoBack = this.#app.mode === 'stable' && this.#hadNoTurns;
      const isOlder = index < (this.#served.get(holder) ?? 0);
      must(mayGoBack || !isOlder, `${holder.name} went back to an older token`);
      this.#served.set(holder, index);
    }
    if (this.#app.mode !== 'classic') return;
    const asked = this.platform.asked;
    const last = asked.at(-1);
    if (last === undefined) return;
    must(!last.isCut, `${last.by} fetched a classic token without the store`);
    for (const other of asked.slice(-8, -1)) {
      must(other.endMs <= last.startMs, `${last.by} fetched while ${other.by} did`);
    }
  }
}

function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

async function live(mode: TokenMode, seed: number, commands: readonly Command[]): Promise<World> {
  const world = new World(mode, seed);
  // A holder without a token cannot tell a store that has forgotten from one that is new.
  await world.pass(60_000);
  for (const command of commands) await world.run(command);
  await world.heal();
  const tokens = world.holders.map(({ keepers }) => keepers.peek(APPID));
  must(new Set(tokens.map((token) => token?.fingerprint)).size === 1, 'the holders serve different tokens');
  must(
    tokens[0] !== undefined && world.platform.accepts(tokens[0]),
    'the holders serve a token that is refused',
  );
  for (const { keepers } of world.holders) void keepers.close();
  return world;
}

/**
 * One holder forces a token while another one, which waited for its turn for a second, asks without it. The platform
 * gives the forced token after the other one, but it arrives first. (A draw of the property below found it.)
 */
test('a token that was fetched without the lease never replaces one that was forced under it', async (t) => {
  await live('stable', -215964805, [
    { do: 'manual', who: 1 },
    { do: 'pass', ms: 1 },
    { do: 'pass', ms: 1 },
    { do: 'report', who: 0 },
    { do: 'kill platform token' },
    { do: 'report', who: 0 },
  ]);
  t.pass();
});

/** The same, but the platform is asked under the lease and answers late, and the token has died meanwhile. */
test('a token that was fetched under the lease never replaces the one that has replaced it meanwhile', async (t) => {
  await live('stable', -658163620, [
    { do: 'report', who: 0 },
    { do: 'pass', ms: 400 },
    { do: 'report', who: 0 },
    { do: 'report', who: 1 },
    { do: 'kill platform token' },
    { do: 'pass', ms: 1 },
    { do: 'pass', ms: 1 },
  ]);
  t.pass();
});

for (const [what, command] of [
  ['holders die and are cut off', deaths],
  ['the store forgets and holders are cut off', amnesia],
] as const) {
  for (const mode of ['classic', 'stable'] as const) {
    const only = mode === 'classic' ? 'no two fetches overlap, ' : '';
    test(`while ${what}, ${only}no hub returns to an older ${mode} token, and in the end all agree`, async (t) => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer(),
          fc.array(command, { minLength: 5, maxLength: 40, size: 'max' }),
          async (seed, commands) => void (await live(mode, seed, commands)),
        ),
        { numRuns: 25 },
      );
      t.pass();
    });
  }
}
