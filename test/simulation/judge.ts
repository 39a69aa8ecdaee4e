import { HEARTBEAT_MS } from '../../src/hub/watchers.ts';
import type { HubRequest } from '../../src/hub-client/http.ts';
import { REFUSED_ERRCODES } from '../../src/wechat/verdict.ts';
import { machineOf, STORE_SETTLE_MS } from './excuses.ts';
import type { HubNode } from './hub-node.ts';
import type { Machine } from './machine.ts';
import { PathMemory } from './path-memory.ts';
import { APPID, type Given } from './platform.ts';
import { Quotas } from './quotas.ts';
import type { SidecarNode } from './sidecar-node.ts';
import type { CallStory, Sending } from './simulated-call.ts';
import { type Invariant, SET_ASIDE, type Violation } from './verdicts.ts';
import type { World } from './world.ts';

/** What was counted, for the summary. */
export interface Counts {
  calls: number;
  /** Calls that failed for want of a good token, where the contract permits it. */
  permitted: number;
  /** Refusals of dead tokens, as sidecars met them. */
  refusals: number;
  /** Deaths that had to be healed in time, and were. */
  heals: number;
}

export const HEAL_MS = 5_000;
const WAIT_MS_MAX = 2_500;
const SAY_SO_MS_MAX = 1_500;
/** Timers count whole milliseconds, and a promise takes its turn. */
const TIMER_MS = 20;
/** As good as the whole wait. */
const LONG_WAIT_MS = 2_400;
/** A question that was asked so long before a call may be what it waits for; its answer takes no longer than that. */
const ASKED_BEFORE_MS = 1_500;
const ASKED_AFTER_MS = 3_500;
const ANSWER_MS_MAX = 6_000;
/** Before a refusal that is to be replayed nothing was asked for this long. */
const QUIET_MS = 3_000;
/** Slower than this, and a look with a refresh may take longer than a caller waits. */
const QUICK_MS = 120;
/** What is left of a life is told in whole seconds, and travels. */
const ROUNDING_MS = 5_000;
/** Time enough after a pause for a call of each sidecar. */
const LATE_PAUSE_MS = 120_000;
const LIFE_S_MIN = 1_700;
const LIFE_MODE_S_MIN = 6_000;
const TICKET_S_MIN = 1_800;

/** Watches every step, and says what must never happen. */
export class Judge {
  readonly counts: Counts = { calls: 0, permitted: 0, refusals: 0, heals: 0 };
  violation: Violation | undefined;
  readonly quotas: Quotas;
  readonly #world: World;
  /** By token: when a sidecar first heard that the platform refuses it because it is dead. */
  readonly #firstRefusedMs = new Map<string, number>();
  readonly #paths = new PathMemory();
  /** By observer: the token that it served last. */
  readonly #held = new Map<Machine, Given>();
  readonly #generations = new Map<Machine, number>();
  readonly #published = new Map<number, string>();
  readonly #fetching = new Set<{ readonly by: string }>();
  #publishedMs = -Infinity;

  constructor(world: World) {
    this.#world = world;
    this.quotas = new Quotas(world, (invariant, what) => this.fail(invariant, what));
    world.platform.onAsked = (asked) => this.quotas.asked(asked);
    world.store.onPublished = ({ generation, fingerprint }) => this.#publishing(generation, fingerprint);
  }

  called(): void {
    this.counts.calls += 1;
  }

  crashed(who: string, error: unknown): void {
    this.fail(
      'no crash',
      `${who}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  /** A keeper begins to ask the platform; gives back what ends it. */
  began(by: string, path: string): () => void {
    if (!path.startsWith('/cgi-bin/token')) return () => {};
    const { store, sizes } = this.#world;
    if (sizes.store === 'shared') {
      const link = this.#world.hubs.find(({ name }) => name === by)?.keeping?.link;
      if (link?.isThere === false && link.awaySinceMs < this.#world.schedule.nowMs - 2_000) {
        this.fail('no classic fetch without the store', `${by} fetches although its store is away`);
      }
      const { lease } = store.at({ appid: APPID, mode: 'classic' });
      const other = [...this.#fetching].find(
        (each) => each.by !== by && lease?.owner.startsWith(`${each.by}-`),
      );
      if (other !== undefined) {
        this.fail('one classic fetch at a time', `${by} fetches while ${other.by} has the lease and fetches`);
      }
    }
    const entry = { by };
    this.#fetching.add(entry);
    return () => void this.#fetching.delete(entry);
  }

  /** A keeper or a sidecar serves this token from now on. */
  held(machine: Machine, fingerprint: string): void {
    const { platform, sizes, story, excuses } = this.#world;
    const given = platform.byFingerprint.get(fingerprint);
    if (given === undefined)
      return this.fail('only real tokens', `${machine.name} serves a token that nobody gave`);
    const before = this.#held.get(machine);
    this.#held.set(machine, given);
    this.quotas.held(machine, given);
    this.#checkGenerations();
    if (before === given) return;
    if (story.isTold) story.tell(machine.name, `serves token ${given.index}`);
    if (before === undefined || before.index < given.index) return;
    if (sizes.mode === 'stable' && sizes.store === 'shared' && !excuses.storeWasSure(before.issuedMs)) return;
    if (platform.accepts(before.fingerprint)) {
      this.fail('no older token', `${machine.name} went from token ${before.index} back to ${given.index}`);
    }
  }

  /** A call leaves with this token. */
  sent(machine: Machine, given: Given | undefined): void {
    if (given === undefined)
      return this.fail('only real tokens', `${machine.name} sent a token that nobody gave`);
    const lateMs = this.#world.schedule.nowMs - given.agesMs;
    const driftMs = 2_500 + (given.agesMs - given.issuedMs) * 0.0006;
    const keepers = this.#world.hubs.length === 0 ? [machine.name] : this.#world.hubs.map(({ name }) => name);
    if (lateMs <= driftMs || keepers.some((name) => this.#world.mayFileBeWrong(name, given.issuedMs))) return;
    this.fail(
      'nothing past its end',
      `${machine.name} sent token ${given.index} ${Math.round(lateMs)} ms after its end`,
    );
  }

  /** A sidecar hears what came of its call. */
  answered(node: SidecarNode, machine: Machine, sending: Sending, path: string): void {
    if (sending.cause === 'none') this.#paths.succeeded(machine, path, sending);
    else this.#refused(node, machine, sending, path);
  }

  #refused(node: SidecarNode, machine: Machine, sending: Sending, path: string): void {
    const { schedule, platform, story } = this.#world;
    const { fingerprint, cause } = sending;
    sending.isTelling = this.#paths.isTelling(machine, path, fingerprint);
    sending.isPathFresh = this.#paths.isFresh(path, fingerprint);
    const name = `token ${platform.byFingerprint.get(fingerprint)?.index}`;
    if (story.isTold) story.tell(node.name, `${path} was refused with ${name}: ${cause}`);
    if (cause !== 'dead') return this.#paths.refused(machine, path, sending);
    this.counts.refusals += 1;
    if (!sending.isTelling || this.#firstRefusedMs.has(fingerprint)) return;
    sending.isFirst = true;
    const firstMs = schedule.nowMs;
    this.#firstRefusedMs.set(fingerprint, firstMs);
    this.quotas.died();
    schedule.in(HEAL_MS + this.#slackMs(), undefined, () =>
      this.#mustBeHealed(node, machine, fingerprint, firstMs),
    );
  }

  hubAnswered(node: HubNode, request: HubRequest, status: number, tookMs: number): void {
    const { schedule, platform, excuses } = this.#world;
    const startedMs = schedule.nowMs - tookMs;
    if (startedMs <= (node.machine()?.pausedUntilMs ?? 0) + 1) return;
    if (tookMs > WAIT_MS_MAX * 1.001 + TIMER_MS) {
      this.fail(
        'bounded waits',
        `${node.name} took ${Math.round(tookMs)} ms for ${request.path} (${status})`,
      );
    }
    if (status === 503 && request.path.endsWith('/token')) {
      this.#mustHaveNone(node.machine() as Machine);
      if (tookMs >= LONG_WAIT_MS) this.#mustHaveAsked(node, startedMs);
    }
    if (!request.path.endsWith('/refresh') || request.body === undefined) return;
    const report = JSON.parse(request.body.toString()) as { fingerprint: string; path?: string };
    const { fingerprint, path = '' } = report;
    const isCurrent = this.#held.get(node.machine() as Machine)?.fingerprint === fingerprint;
    if (!isCurrent || platform.accepts(fingerprint) || !excuses.isUnable(node.name, startedMs)) return;
    // A path that is held for having refused the token while it lived starts nothing.
    if (!this.#paths.isFresh(path, fingerprint) || this.quotas.isRationed(startedMs)) return;
    if (excuses.isPlatformTroubled(startedMs) || !excuses.isCalm(startedMs)) return;
    // In classic a hub lets a store that is back settle before it asks the platform, and so learns that it may not.
    const isSettling = (node.keeping?.link?.thereSinceMs ?? -Infinity) > startedMs - STORE_SETTLE_MS;
    if (this.#world.sizes.mode === 'classic' && isSettling) return;
    const limitMs = SAY_SO_MS_MAX + 3 * this.#world.sizes.platformMs + TIMER_MS;
    if (status === 503 && tookMs <= limitMs) return;
    this.fail(
      'a hub that cannot refresh says so',
      `${node.name} answered ${status} after ${Math.round(tookMs)} ms`,
    );
  }

  ended(call: CallStory): void {
    const { node, machine, path, startedMs, waitedMs, errcode, reason, sendings } = call;
    const slept = machine.lastJumpMs >= startedMs || machine.pausedUntilMs >= startedMs;
    if (waitedMs > WAIT_MS_MAX + TIMER_MS && !slept) {
      this.fail('bounded waits', `${node.name} let ${path} wait ${Math.round(waitedMs)} ms for tokens`);
    }
    const isPromised = this.#world.excuses.isPromised(node.name, startedMs - QUIET_MS);
    if (reason === 'token_unavailable') {
      if (this.#world.hubs.length === 0 && waitedMs >= LONG_WAIT_MS) this.#mustHaveAsked(node, startedMs);
      // A ticket is another matter: it is had with a token that may be refused.
      const isTicket = path.includes('getticket');
      if (!isTicket) this.#mustHaveNone(machine);
      if (!isTicket && this.#world.excuses.isServed(node.name, startedMs - QUIET_MS))
        this.fail('a token for every call', `${node.name} had no token for ${path}`);
      else this.counts.permitted += 1;
    }
    if (errcode === undefined || !REFUSED_ERRCODES.has(Math.abs(errcode))) return;
    const last = sendings.at(-1);
    if (last?.cause === 'dead') this.#passedOn(call, last, isPromised);
  }

  /** What `GET /cgi-bin/token` of a hub gave to a program without a sidecar. */
  gaveLife(node: HubNode, expiresInS: number): void {
    const { excuses, sizes, schedule } = this.#world;
    const given = this.#held.get(node.machine() as Machine);
    const isLong = given !== undefined && given.agesMs - given.issuedMs >= LIFE_MODE_S_MIN * 1_000;
    if (sizes.mode !== 'classic' || !isLong) return;
    if (expiresInS >= LIFE_S_MIN || !excuses.isPromised('', schedule.nowMs - 600_000)) return;
    // A token of before the lives became long is none the worse for being the current one of this hub.
    const held = node.keeping?.keepers.peek(APPID);
    if (held === undefined || held.expiresAtMs - held.issuedAtMs < LIFE_MODE_S_MIN * 1_000) return;
    this.fail('lives are long enough', `${node.name} gave a token with ${expiresInS} s left`);
  }

  /** What getticket of a sidecar gave. */
  gaveTicket(node: SidecarNode, expiresInS: number): void {
    const { excuses, platform, schedule } = this.#world;
    const endsMs = platform.ticketEndsMs;
    if (expiresInS <= 0 || schedule.nowMs + expiresInS * 1_000 > endsMs + 3_000) {
      this.fail('no ticket past its end', `${node.name} gave a ticket that ends before it says`);
    }
    if (expiresInS >= TICKET_S_MIN || platform.knobs.ticketRepeats) return;
    if (!excuses.isPromised(node.name, schedule.nowMs - 600_000)) return;
    // Without a token there is no ticket.
    if (this.quotas.isRationed(schedule.nowMs) || !platform.accepts(node.inUse())) return;
    this.fail('tickets are long enough', `${node.name} gave a ticket with ${expiresInS} s left`);
  }

  /** After peace has come back. */
  atTheEnd(lastCalls: ReadonlyMap<SidecarNode, CallStory | undefined>): void {
    const { hubs, sidecars, platform, schedule } = this.#world;
    this.quotas.atTheEnd();
    if (this.quotas.isRationed(schedule.nowMs)) return;
    // A pause that waits for the next fetch may come after the last fault.
    const pausedMs = Math.max(-Infinity, ...hubs.map((hub) => machineOf(hub)?.pausedUntilMs ?? -Infinity));
    if (pausedMs > schedule.nowMs - LATE_PAUSE_MS) return;
    for (const node of sidecars) {
      const inUse = node.inUse();
      if (inUse !== undefined && this.#firstRefusedMs.has(inUse) && !platform.accepts(inUse)) {
        this.fail('all is well in the end', `${node.name} still has a dead token that was refused`);
      }
      const last = lastCalls.get(node);
      if (last === undefined)
        this.fail('all is well in the end', `the last call of ${node.name} never ended`);
      else if (last.reason !== undefined || (last.errcode ?? 0) !== 0) {
        this.fail(
          'all is well in the end',
          `the last call of ${node.name} got ${last.reason ?? last.errcode}`,
        );
      }
    }
  }

  fail(invariant: Invariant, what: string): void {
    const { schedule, story } = this.#world;
    if (this.violation !== undefined || SET_ASIDE.has(invariant)) return;
    this.violation = { invariant, atMs: schedule.nowMs, what };
    story.tell('judge', `VIOLATED: ${invariant}: ${what}`);
    schedule.stop();
  }

  /** It has just said that it has no token. */
  #mustHaveNone(machine: Machine): void {
    const given = this.#held.get(machine);
    if (given === undefined || !this.#world.platform.accepts(given.fingerprint)) return;
    const { nowMs } = this.#world.schedule;
    const wasJumped = machine.lastJumpMs >= given.issuedMs;
    const leftMs = given.agesMs - nowMs;
    // A sidecar counts a life from when it last heard of its hub before, since an event may have been held back.
    const heldBackMs = machine.name.startsWith('sidecar') ? HEARTBEAT_MS : 0;
    if (wasJumped || leftMs < ROUNDING_MS + heldBackMs + 0.001 * (nowMs - given.issuedMs)) return;
    this.fail('a live token is served', `${machine.name} said it has none, but token ${given.index} is good`);
  }

  /** A call has waited for a token of this keeper, in vain. */
  #mustHaveAsked(keeper: HubNode | SidecarNode, startedMs: number): void {
    const { schedule, excuses } = this.#world;
    const machine = machineOf(keeper);
    if (machine === undefined || this.#isLeaseOfAnother(keeper, startedMs)) return;
    const fromMs = startedMs - ASKED_BEFORE_MS;
    schedule.at(startedMs + ASKED_AFTER_MS, undefined, () => {
      const link = keeper.keeping?.link;
      const isStoreThere =
        link === undefined || (link.isThere && link.thereSinceMs < fromMs - STORE_SETTLE_MS);
      const hasRun =
        machineOf(keeper) === machine && machine.startedMs < fromMs && machine.pausedUntilMs < fromMs;
      if (!isStoreThere || !hasRun || machine.lastJumpMs >= fromMs) return;
      if (excuses.isWayTroubled(fromMs - ANSWER_MS_MAX) || this.#isLeaseOfAnother(keeper, fromMs)) return;
      if (!this.quotas.isFailing(keeper.name) || this.quotas.wasAskedSince(fromMs, schedule.nowMs)) return;
      this.fail(
        'demand wakes a back-off',
        `${keeper.name} asked nothing while a call waited from ${Math.round(startedMs)} ms on`,
      );
    });
  }

  /** In classic another hub may have the lease, or have had it until it published a token since then. */
  #isLeaseOfAnother({ name }: HubNode | SidecarNode, sinceMs: number): boolean {
    const { sizes, store } = this.#world;
    if (sizes.mode !== 'classic' || sizes.store !== 'shared') return false;
    const { lease } = store.at({ appid: APPID, mode: 'classic' });
    return this.#publishedMs >= sinceMs || (lease !== undefined && !lease.owner.startsWith(`${name}-`));
  }

  /** A program got to hear that a token is dead. */
  #passedOn({ node, path, sendings, startedMs }: CallStory, last: Sending, isPromised: boolean): void {
    const { schedule, platform, excuses, sizes } = this.#world;
    const index = platform.byFingerprint.get(last.fingerprint)?.index;
    const firstMs = this.#firstRefusedMs.get(last.fingerprint) ?? schedule.nowMs;
    const isLate = last.sentMs > firstMs + HEAL_MS + this.#slackMs() && last.isTelling === true;
    const afterMs = Math.round(schedule.nowMs - firstMs);
    // Whatever was in the way when it died has been over for long enough.
    const healMs = last.sentMs - HEAL_MS - this.#slackMs();
    const wasRationed = this.quotas.isRationed(firstMs) || this.quotas.isRationed(healMs);
    if (isLate && isPromised && excuses.isPromised(node.name, healMs) && !wasRationed) {
      return this.fail(
        'refusals with permission only',
        `${node.name} passed on that token ${index} is dead, ${afterMs} ms after that was first known`,
      );
    }
    const isQuick = sizes.platformMs <= QUICK_MS && this.#world.network.lossPerMille === 0;
    const isQuiet = !this.quotas.wasAskedSince(startedMs - QUIET_MS, last.answeredMs ?? 0);
    const isPlain = sendings.length === 1 && last.isFirst === true && last.isPathFresh === true;
    if (isPlain && isPromised && isQuick && isQuiet && !this.quotas.isRationed(firstMs)) {
      return this.fail(
        'first refusal is replayed',
        `${node.name} passed on the first refusal of token ${index} on ${path}`,
      );
    }
    this.counts.permitted += 1;
  }

  #slackMs(): number {
    const { sizes, network } = this.#world;
    // Three answers of the platform, and what a lossy network takes for the ways between.
    return 500 + 3 * 1.5 * sizes.platformMs + 12 * network.baseMs + (network.lossPerMille > 0 ? 3_000 : 0);
  }

  #mustBeHealed(node: SidecarNode, machine: Machine, fingerprint: string, firstMs: number): void {
    const { excuses, platform, schedule } = this.#world;
    if (node.machine !== machine || !excuses.isPromised(node.name, firstMs)) return;
    if (this.quotas.isRationed(firstMs)) return;
    if (node.inUse() !== fingerprint) {
      this.counts.heals += 1;
      return;
    }
    const index = platform.byFingerprint.get(fingerprint)?.index;
    const afterMs = Math.round(schedule.nowMs - firstMs);
    this.fail(
      'healed within 5 s',
      `${node.name} still uses token ${index}, which was refused ${afterMs} ms ago`,
    );
  }

  #publishing(generation: number, fingerprint: string): void {
    this.#publishedMs = this.#world.schedule.nowMs;
    const { sizes, store } = this.#world;
    const known = this.#published.get(generation);
    this.#published.set(generation, fingerprint);
    if (known === undefined || known === fingerprint) return;
    if (sizes.mode !== 'classic' || store.lastLossMs > -Infinity) return;
    this.fail('a generation names one token', `generation ${generation} was published twice`);
  }

  #checkGenerations(): void {
    for (const { keeping } of this.#world.hubs) {
      if (keeping === undefined) continue;
      const generation = keeping.keepers.status()[0]?.shared?.generation ?? 0;
      const before = this.#generations.get(keeping.machine) ?? 0;
      this.#generations.set(keeping.machine, generation);
      if (generation < before) {
        this.fail('generations grow', `${keeping.machine.name} went from ${before} back to ${generation}`);
      }
    }
  }
}
