import type { HubRequest } from '../../src/proxy/hub/http.ts';
import { REFUSED_ERRCODES } from '../../src/wechat/verdict.ts';
import type { HubNode } from './hub-node.ts';
import type { Machine } from './machine.ts';
import type { Asked, Given } from './platform.ts';
import type { SidecarNode } from './sidecar-node.ts';
import type { CallStory, Sending } from './simulated-call.ts';
import type { World } from './world.ts';

export interface Violation {
  readonly invariant: string;
  readonly atMs: number;
  readonly what: string;
}

/** What was counted, for the summary. */
export interface Counts {
  calls: number;
  /** Calls that failed although the platform would have taken a good token; by whether that was permitted. */
  permitted: number;
  refusals: number;
  heals: number;
}

const HEAL_MS = 5_000;
const WAIT_MS_MAX = 2_500;
/** Timers count whole milliseconds, and a promise takes its turn. */
const TIMER_MS = 20;

/** Watches every step, and says what must never happen. */
export class Judge {
  readonly counts: Counts = { calls: 0, permitted: 0, refusals: 0, heals: 0 };
  violation: Violation | undefined;
  readonly #world: World;
  /** By token: when a sidecar first heard that the platform refuses it because it is dead. */
  readonly #firstRefusedMs = new Map<string, number>();
  /** By observer: the token that it served last. */
  readonly #held = new Map<Machine, Given>();
  readonly #generations = new Map<Machine, number>();
  readonly #inFlight = new Set<{ readonly by: string; readonly atMs: number }>();

  constructor(world: World) {
    this.#world = world;
    world.platform.onAsked = (asked) => this.#asked(asked);
  }

  called(): void {
    this.counts.calls += 1;
  }

  crashed(who: string, error: unknown): void {
    this.#fail('no crash', `${who}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  /** A hub or a sidecar without one begins to ask the platform; gives back what ends it. */
  began(by: string, path: string): () => void {
    if (!path.startsWith('/cgi-bin/token')) return () => {};
    const { store, schedule, sizes } = this.#world;
    if (sizes.store === 'shared') {
      const { turn } = store.at({ appid: 'wx0123456789abcdef', mode: 'classic' });
      const other = [...this.#inFlight].find((each) => each.by !== by && turn?.owner.startsWith(`${each.by}-`));
      if (other !== undefined) this.#fail('one classic fetch at a time', `${by} fetches while ${other.by} has the turn and does`);
    }
    const entry = { by, atMs: schedule.nowMs };
    this.#inFlight.add(entry);
    return () => void this.#inFlight.delete(entry);
  }

  /** A keeper or a sidecar serves this token from now on. */
  held(machine: Machine, fingerprint: string): void {
    const { platform, sizes, story } = this.#world;
    const given = platform.byFingerprint.get(fingerprint);
    if (given === undefined) return this.#fail('only real tokens', `${machine.name} serves a token that nobody gave`);
    const before = this.#held.get(machine);
    this.#held.set(machine, given);
    if (before === given) return;
    if (story.isTold) story.tell(machine.name, `serves token ${given.index}`);
    if (before === undefined || before.index < given.index) return;
    // Stable hubs go on without the store, and cannot tell then whose token is the later one.
    if (sizes.mode === 'stable' && sizes.store === 'shared') return;
    if (platform.accepts(before.fingerprint)) {
      this.#fail('no older token', `${machine.name} went from token ${before.index} back to ${given.index}`);
    }
  }

  /** A call leaves with this token. */
  sent(machine: Machine, given: Given | undefined): void {
    const { schedule } = this.#world;
    if (given === undefined) return this.#fail('only real tokens', `${machine.name} sent a token that nobody gave`);
    const lateMs = schedule.nowMs - given.agesMs;
    const driftMs = 2_500 + (given.agesMs - given.issuedMs) * 0.0006;
    if (lateMs > driftMs) this.#fail('nothing past its end', `${machine.name} sent token ${given.index} ${Math.round(lateMs)} ms after its end`);
  }

  /** A sidecar hears that a token is dead. */
  refused(node: SidecarNode, machine: Machine, { fingerprint }: Sending, path: string): void {
    const { schedule, platform, story } = this.#world;
    this.counts.refusals += 1;
    if (story.isTold) story.tell(node.name, `${path} was refused: token ${platform.byFingerprint.get(fingerprint)?.index} is dead`);
    if (this.#firstRefusedMs.has(fingerprint)) return;
    const firstMs = schedule.nowMs;
    this.#firstRefusedMs.set(fingerprint, firstMs);
    schedule.in(HEAL_MS + this.#slackMs(), undefined, () => this.#mustBeHealed(node, machine, fingerprint, firstMs));
  }

  hubAnswered(node: HubNode, request: HubRequest, status: number, tookMs: number): void {
    const pausedMs = node.machine()?.pausedUntilMs ?? 0;
    if (this.#world.schedule.nowMs - tookMs <= pausedMs + 1) return;
    if (tookMs > WAIT_MS_MAX * 1.001 + TIMER_MS) {
      this.#fail('bounded waits', `${node.name} took ${Math.round(tookMs)} ms for ${request.path} (${status})`);
    }
  }

  ended(story: CallStory): void {
    const { node, machine, path, startedMs, waitedMs, errcode, reason, sendings } = story;
    const { schedule, platform } = this.#world;
    const slept = machine.lastJumpMs >= startedMs || machine.pausedUntilMs >= startedMs;
    if (waitedMs > WAIT_MS_MAX + TIMER_MS && !slept) {
      this.#fail('bounded waits', `${node.name} let ${path} wait ${Math.round(waitedMs)} ms for tokens`);
    }
    const isPromised = this.#world.faults.isPromised(node.name, startedMs);
    if (reason === 'token_unavailable') {
      if (isPromised) this.#fail('a token for every call', `${node.name} had no token for ${path}`);
      else this.counts.permitted += 1;
    }
    if (errcode === undefined || !REFUSED_ERRCODES.has(Math.abs(errcode))) return;
    const last = sendings.at(-1);
    if (last?.cause !== 'dead') return;
    const firstMs = this.#firstRefusedMs.get(last.fingerprint) ?? schedule.nowMs;
    const isLate = (last.answeredMs ?? 0) > firstMs + HEAL_MS + this.#slackMs();
    if (isLate && isPromised && this.#world.faults.isPromised(node.name, firstMs) && !this.#isRationed(firstMs)) {
      const index = platform.byFingerprint.get(last.fingerprint)?.index;
      this.#fail('refusals with permission only', `${node.name} passed on that token ${index} is dead, ${Math.round(schedule.nowMs - firstMs)} ms after that was first known`);
      return;
    }
    this.counts.permitted += 1;
  }

  atTheEnd(): void {
    const { sidecars, platform } = this.#world;
    for (const node of sidecars) {
      const inUse = node.inUse();
      if (inUse !== undefined && this.#firstRefusedMs.has(inUse) && !platform.accepts(inUse)) {
        this.#fail('all is well in the end', `${node.name} still has a dead token that was refused`);
      }
    }
  }

  #slackMs(): number {
    const { sizes, network } = this.#world;
    // Three answers of the platform, and what a lossy network takes for the ways between.
    return 500 + 3 * 1.5 * sizes.platformMs + 12 * network.baseMs + (network.lossPerMille > 0 ? 3_000 : 0);
  }

  #mustBeHealed(node: SidecarNode, machine: Machine, fingerprint: string, firstMs: number): void {
    const { faults, platform } = this.#world;
    if (node.machine !== machine || !faults.isPromised(node.name, firstMs)) return;
    if (this.#isRationed(firstMs)) return;
    const inUse = node.inUse();
    if (inUse === fingerprint) {
      const index = platform.byFingerprint.get(fingerprint)?.index;
      this.#fail('healed within 5 s', `${node.name} still uses token ${index}, which was refused ${Math.round(this.#world.schedule.nowMs - firstMs)} ms ago`);
    } else this.counts.heals += 1;
  }

  /** Whether a quota or a spacing may have forbidden the refresh since then. */
  #isRationed(sinceMs: number): boolean {
    const { platform, sizes } = this.#world;
    const { asked } = platform;
    if (sizes.mode === 'classic') {
      const recent = asked.filter(({ kind, atMs }) => kind === 'fetch' && atMs > sinceMs - 1_200_000);
      return recent.length >= 20;
    }
    const forces = asked.filter(({ kind }) => kind === 'force');
    const last = forces.findLast(({ atMs }) => atMs <= sinceMs)?.atMs ?? -Infinity;
    return forces.length >= 20 || sinceMs - last < 40_000;
  }

  #asked(asked: Asked): void {
    const { story, platform } = this.#world;
    if (story.isTold) {
      const given = asked.given === undefined ? '' : ` → token ${asked.given.index}`;
      story.tell('platform', `${asked.kind} by ${asked.by}: errcode ${asked.errcode}${given}`);
    }
    void platform;
    this.#checkForced(asked);
  }

  #checkForced(asked: Asked): void {
    if (asked.kind !== 'force' || asked.errcode !== 0) return;
    const { platform } = this.#world;
    void platform;
    void this.#generations;
  }

  #fail(invariant: string, what: string): void {
    if (this.violation !== undefined) return;
    const { schedule, story } = this.#world;
    this.violation = { invariant, atMs: schedule.nowMs, what };
    story.tell('judge', `VIOLATED: ${invariant}: ${what}`);
    schedule.stop();
  }
}
