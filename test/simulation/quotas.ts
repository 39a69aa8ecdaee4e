import { SHARED_HOLD_MS_MAX } from '../../src/token/doubt.ts';
import { machineOf } from './excuses.ts';
import type { Machine } from './machine.ts';
import type { Asked, Given } from './platform.ts';
import type { Invariant } from './verdicts.ts';
import type { World } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FORCE_SPACING_MS = 30_000;
const FORCES_MAX = 20;
const CLASSIC_WINDOW_MS = 1_200_000;
const CLASSIC_MAX = 20;
const RATIONED_MS = 300_000;
/** When exactly a fetch counts is not for us to say. */
const ROUNDING_MS = 1_000;
/** Lives end too, two or three of them in this time. */
const CLASSIC_MORE = 4;
/** Two and 60 seconds, from the end of one ask to the start of the next. */
const TICKET_MS_MIN = 1_500;
const TICKET_SAME_MS_MIN = 58_000;
/** The first delays of a back-off, a wake in 2 s by callers without a token, and a look that is repeated. */
const RETRIES_MAX = 18;
const RETRY_WINDOW_MS = 10_000;
/** A look that was begun for some other reason ends within this. */
const REASON_MS = 20_000;
/** A token that cannot be replaced for want of a quota is looked into every five minutes. */
const RATIONED_LOOKS = 12;
const LATE_SHARE = 0.02;
const LATE_CALM_MS = 600_000;
const ON_ITS_WAY_MS = 2_000;
const EARLY_SHARE = 0.32;
const RECHECK_MS_MIN = 50_000;

/** Where only people can help. */
const CONFIGURATION_ERRCODES: ReadonlySet<number> = new Set([40125, 40164]);

/** What our programs ask of the platform, and how much of it they may. */
export class Quotas {
  readonly #world: World;
  readonly #fail: (invariant: Invariant, what: string) => void;
  readonly #forces: Asked[] = [];
  readonly #fetchMs: number[] = [];
  /** Those after which a keeper cannot be sure that nobody's token has ended. */
  readonly #spentMs: number[] = [];
  readonly #probes = new Map<string, number[]>();
  readonly #deathsMs: number[] = [];
  /** By keeper: when it was given a reason to ask at once again; the last time, and all of them. */
  readonly #reasonMs = new Map<string, number>();
  readonly #reasonsMs = new Map<string, number[]>();
  /** When the platform last gave no token to a keeper, or none that it had. */
  readonly #refusedMs = new Map<string, number>();
  readonly #wanted = new Set<string>();
  readonly #adoptedMs = new Map<string, number>();
  /** What each keeper serves. */
  readonly #served = new Map<string, { readonly machine: Machine; readonly given: Given }>();
  /** By keeper: what the platform said last when it was asked for a token. */
  readonly #lastErrcode = new Map<string, number>();
  readonly #tickets = new Map<Machine, { atMs: number; endsMs: number; isSame: boolean }>();
  readonly #fetchedMs = new Map<string, number[]>();
  readonly #lastRefusal = new Map<string, number>();
  readonly #failures = new Map<string, number[]>();
  /** When tokens came into use, anywhere. */
  readonly #changesMs: number[] = [];
  #lastAskedMs = -Infinity;
  #asksBefore: number[] = [];

  constructor(world: World, fail: (invariant: Invariant, what: string) => void) {
    this.#world = world;
    this.#fail = fail;
  }

  /** A token was found dead. */
  died(): void {
    this.#deathsMs.push(this.#world.schedule.nowMs);
  }

  /** Another token is in use there. */
  held(machine: Machine, given: Given): void {
    const before = this.#served.get(machine.name);
    this.#served.set(machine.name, { machine, given });
    if (before?.given === given && before.machine === machine) return;
    this.#changesMs.push(this.#world.schedule.nowMs);
    this.#adoptedMs.set(machine.name, this.#world.schedule.nowMs);
  }

  gaveReason(name: string): void {
    this.#wanted.add(name);
    const { nowMs } = this.#world.schedule;
    this.#reasonMs.set(name, nowMs);
    this.#reasonsMs.set(name, [...(this.#reasonsMs.get(name) ?? []), nowMs]);
  }

  asked(asked: Asked): void {
    const { story } = this.#world;
    if (story.isTold) {
      const given = asked.given === undefined ? '' : `, token ${asked.given.index}`;
      story.tell('platform', `${asked.kind} by ${asked.by}: errcode ${asked.errcode}${given}`);
    }
    this.#lastAskedMs = asked.atMs;
    this.#asksBefore.push(asked.atMs);
    if (this.#asksBefore.length > 200) this.#asksBefore = this.#asksBefore.slice(-100);
    if (asked.kind === 'force') this.#checkForce(asked);
    if (asked.errcode === 0) this.#checkNeed(asked);
    else this.#refusedMs.set(asked.by, asked.atMs);
    if (asked.kind === 'fetch' || asked.kind === 'force') this.#lastErrcode.set(asked.by, asked.errcode);
    if (asked.kind === 'fetch') this.#fetchMs.push(asked.atMs);
    if (asked.kind === 'fetch' && this.#maySpend(asked)) this.#spentMs.push(asked.atMs);
    if (asked.kind === 'fetch' && asked.errcode === 0) this.#checkRation(asked);
    if (asked.kind === 'ticket') this.#checkTicket(asked);
    if (asked.errcode === -1) this.#checkRetry(asked);
    if (asked.kind === 'probe') this.#checkProbe(asked);
    if (CONFIGURATION_ERRCODES.has(asked.errcode)) this.#checkRecheck(asked);
  }

  /** Whether the platform gave this keeper no token when it was last asked, and may do so by itself. */
  isFailing(keeper: string): boolean {
    return this.#lastErrcode.get(keeper) === -1;
  }

  wasAskedSince(fromMs: number, toMs: number): boolean {
    return this.#lastAskedMs >= fromMs && this.#asksBefore.some((atMs) => atMs >= fromMs && atMs < toMs);
  }

  /** Whether a quota or a spacing may have forbidden a refresh since then. */
  isRationed(sinceMs: number): boolean {
    const { sizes, schedule, platform } = this.#world;
    if (sizes.mode === 'classic') {
      // Whoever had spent them all then looks into reports again only after five minutes.
      const fromMs = sinceMs - RATIONED_MS;
      return this.#spentMs.some(
        (atMs, index) =>
          atMs > fromMs - CLASSIC_WINDOW_MS &&
          (this.#spentMs[index + CLASSIC_MAX - 1] ?? Infinity) - atMs < CLASSIC_WINDOW_MS + ROUNDING_MS,
      );
    }
    // Other programs draw on the platform's own limit too.
    const all = [...this.#forces.map(({ atMs }) => atMs), ...platform.forcedSince(0)];
    const last = Math.max(-Infinity, ...all.filter((atMs) => atMs <= sinceMs));
    const isMany = all.filter((atMs) => atMs > schedule.nowMs - DAY_MS).length >= FORCES_MAX;
    return isMany || sinceMs - last < FORCE_SPACING_MS + 10_000;
  }

  atTheEnd(): void {
    const { script, schedule, hubs, sizes } = this.#world;
    const counted = (...kinds: string[]): number =>
      script.steps.filter((step) => kinds.includes(step.do)).length;
    // What fails is tried again; how often is what other invariants say.
    if (
      counted(
        'platform diagnosis',
        'cold start',
        'reload',
        'secret reset',
        'not on the IP list',
        'cut',
        'store hangs',
      ) > 0
    )
      return;
    const lives = script.steps.flatMap((step) => (step.do === 'other lives' ? [step.lifeS] : []));
    const lifeMs = 1_000 * Math.min(script.knobs.lifeS, ...lives);
    const keepers = Math.max(1, hubs.length);
    const renewals = schedule.nowMs / (0.6 * lifeMs) + 1;
    const reasons =
      this.#deathsMs.length +
      counted('refuse a path') +
      script.steps.reduce((sum, step) => sum + (step.do === 'revoke the token' ? step.times : 0), 0) +
      counted(
        'keeper pauses in a fetch',
        'hub down',
        'sidecar down',
        'button',
        'store restarts',
        'store fails over',
        'clock is set',
        'hub pauses',
        'sidecar pauses',
      );
    const probes = [...this.#probes.values()].flat().length;
    // Stable hubs ask each for itself, and some times until the platform has renewed; a look begins with an ask.
    const perRenewal = sizes.mode === 'classic' ? 1 : 12 * keepers;
    const max =
      perRenewal * renewals + 3 * keepers * reasons + (sizes.mode === 'classic' ? 0 : 2 * probes) + 4;
    if (this.#fetchMs.length <= max) return;
    this.#fail('fetches are bounded', `${this.#fetchMs.length} fetches where ${Math.floor(max)} are enough`);
  }

  #checkForce(asked: Asked): void {
    const { excuses } = this.#world;
    const before = this.#forces.at(-1);
    this.#forces.push(asked);
    const sureSinceMs = excuses.sureSinceMs(asked.by);
    const recent = this.#forces.filter(({ atMs }) => atMs > asked.atMs - DAY_MS && atMs > sureSinceMs);
    if (recent.length > FORCES_MAX) this.#fail('forced refreshes are rationed', `${recent.length} in a day`);
    const gapMs = asked.atMs - (before?.atMs ?? -Infinity);
    if (gapMs >= FORCE_SPACING_MS - 100 || (before?.atMs ?? 0) <= sureSinceMs) return;
    this.#fail(
      'forced refreshes are rationed',
      `${before?.by} and ${asked.by} ${Math.round(gapMs)} ms apart`,
    );
  }

  /** What the platform declines in its own words has ended nobody's token. */
  #maySpend({ errcode }: Asked): boolean {
    const { diagnosis } = this.#world.platform;
    return errcode === 0 || diagnosis === 'empty' || diagnosis === 'http500';
  }

  #checkRation({ by, atMs }: Asked): void {
    const machine = this.#machineOf(by);
    if (this.#world.sizes.mode !== 'classic' || machine === undefined) return;
    const sinceMs = Math.max(atMs - CLASSIC_WINDOW_MS, machine.startedMs);
    const recent = (times: readonly number[] = []): number[] => times.filter((each) => each > sinceMs);
    const fetches = [...recent(this.#fetchedMs.get(by)), atMs];
    this.#fetchedMs.set(by, fetches);
    const max = CLASSIC_MAX + CLASSIC_MORE + recent(this.#reasonsMs.get(by)).length;
    if (fetches.length <= max || machine.lastJumpMs > sinceMs) return;
    this.#fail('refused fetches are rationed', `${by} fetched ${fetches.length} tokens in 20 minutes`);
  }

  #checkTicket({ by, atMs, errcode }: Asked): void {
    const { platform, excuses } = this.#world;
    const machine = this.#machineOf(by);
    if (machine === undefined) return;
    const last = this.#tickets.get(machine);
    const endsMs = platform.ticketEndsMs;
    // What may be lost on its way says nothing about what the keeper knows.
    const mayBeLost = excuses.isWayTroubled(atMs - ON_ITS_WAY_MS);
    if (errcode !== 0 || mayBeLost) this.#tickets.delete(machine);
    else this.#tickets.set(machine, { atMs, endsMs, isSame: last?.endsMs === endsMs });
    if (last === undefined || machine.lastJumpMs >= last.atMs || machine.pausedUntilMs >= last.atMs) return;
    if (excuses.isWayTroubled(last.atMs - ON_ITS_WAY_MS)) return;
    const gapMs = atMs - last.atMs;
    const sameMs = Math.min(TICKET_SAME_MS_MIN, last.endsMs - last.atMs - ON_ITS_WAY_MS);
    if (gapMs >= (last.isSame ? Math.max(sameMs, TICKET_MS_MIN) : TICKET_MS_MIN)) return;
    this.#fail(
      'tickets are asked for at a pace',
      `${by} asked for a ticket ${Math.round(gapMs)} ms after it was given one`,
    );
  }

  #machineOf(name: string): Machine | undefined {
    const { hubs, sidecars } = this.#world;
    return machineOf([...hubs, ...sidecars].find((node) => node.name === name));
  }

  /** Was it worth ending the token that the keeper serves? */
  #checkNeed({ kind, by, atMs }: Asked): void {
    const { sizes, excuses } = this.#world;
    const isCostly = kind === 'force' || (kind === 'fetch' && sizes.mode === 'classic');
    const served = this.#served.get(by);
    if (!isCostly || served === undefined || !served.machine.alive) return;
    const { machine, given } = served;
    // What a person asked for is asked until it is had.
    const isWanted = this.#wanted.delete(by);
    const reasonMs = this.#reasonMs.get(by) ?? -Infinity;
    if (isWanted || reasonMs > atMs - REASON_MS || machine.lastJumpMs >= given.issuedMs) return;
    if (sizes.store === 'shared' && !excuses.storeWasSure(given.issuedMs)) return;
    // The question was on its way when another hub's token came.
    if ((this.#adoptedMs.get(by) ?? -Infinity) > atMs - ON_ITS_WAY_MS) return;
    // The platform has just dealt with the question: what was overwritten by it was good until now.
    const wasGood =
      given.agesMs > atMs && (given.overwrittenMs ?? Infinity) >= atMs && given.revokedMs === undefined;
    const lifeMs = given.agesMs - given.issuedMs;
    const isLate = given.agesMs - atMs < LATE_SHARE * lifeMs && (given.overwrittenMs ?? Infinity) >= atMs;
    // What the platform refused to this keeper meanwhile is asked again in its own time.
    const wasRefused = (this.#refusedMs.get(by) ?? -Infinity) > atMs - LATE_CALM_MS;
    if (kind === 'fetch' && isLate && !wasRefused && excuses.isFree(by, atMs - LATE_CALM_MS)) {
      this.#fail('renewed ahead of time', `${by} renews token ${given.index} only now`);
    }
    const isEarly = given.agesMs - atMs > EARLY_SHARE * (given.agesMs - given.issuedMs);
    if (!wasGood || (kind === 'fetch' && !isEarly)) return;
    this.#fail(
      'nothing is spent in vain',
      `${by} asked for a ${kind} although token ${given.index} was good`,
    );
  }

  #checkProbe({ by, atMs }: Asked): void {
    const { excuses } = this.#world;
    const probes = (this.#probes.get(by) ?? []).filter((each) => each > atMs - HOUR_MS);
    probes.push(atMs);
    this.#probes.set(by, probes);
    const sinceMs = atMs - HOUR_MS;
    const within = (times: readonly number[]): number => times.filter((each) => each > sinceMs).length;
    const refusing = excuses.refusingSince(sinceMs);
    const base = [0, 20, 60, 60, 60][refusing] ?? (refusing <= 50 ? 200 : 400);
    // What is known of an endpoint ends with the token that it was seen to refuse.
    const changes = within(this.#changesMs);
    // In a fight with another program every token is found dead by a look, and replaced.
    const deaths = 6 * within(this.#deathsMs) + 2 * changes;
    const own = base * (1 + changes) + deaths + 3 * excuses.straysSince(sinceMs) + 8 + RATIONED_LOOKS;
    const max = own + this.#looksOfBarred();
    if (probes.length > max && excuses.isCalm(sinceMs)) {
      this.#fail(
        'looks are bounded',
        `${by} made ${probes.length} probes in an hour for ${refusing} endpoints`,
      );
    }
  }

  /**
   * A keeper that may not ask for tokens looks before it tries again, once a minute. A hub has the others look, and
   * they hold nothing of that for longer than 30 s.
   */
  #looksOfBarred(): number {
    const { sizes, script } = this.#world;
    const isBarred = script.steps.some(
      (step) => step.do === 'not on the IP list' || step.do === 'secret reset',
    );
    if (!isBarred) return 0;
    return HOUR_MS / (sizes.hubs > 1 ? SHARED_HOLD_MS_MAX : RECHECK_MS_MIN);
  }

  #checkRecheck({ by, atMs, errcode }: Asked): void {
    const lastMs = this.#lastRefusal.get(by) ?? -Infinity;
    this.#lastRefusal.set(by, atMs);
    // An answer that never arrived changes nothing.
    if (this.#world.excuses.isPlatformTroubled(lastMs - 1_000)) return;
    const reasonMs = Math.max(this.#reasonMs.get(by) ?? -Infinity, this.#adoptedMs.get(by) ?? -Infinity);
    if (atMs - lastMs >= RECHECK_MS_MIN || reasonMs >= lastMs - 1_000) return;
    // A clock that is set forward looks like a machine that slept: the wait is over for that much.
    if ((this.#machineOf(by)?.lastJumpMs ?? -Infinity) >= lastMs) return;
    this.#fail(
      're-probes are slow',
      `${by} asked again ${Math.round(atMs - lastMs)} ms after errcode ${errcode}`,
    );
  }

  #checkRetry({ by, atMs }: Asked): void {
    const failures = (this.#failures.get(by) ?? []).filter((each) => each > atMs - RETRY_WINDOW_MS);
    failures.push(atMs);
    this.#failures.set(by, failures);
    if (failures.length <= RETRIES_MAX) return;
    this.#fail('failures back off', `${by} asked ${failures.length} times in vain within 10 s`);
  }
}
