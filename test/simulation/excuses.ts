import type { HubNode } from './hub-node.ts';
import type { Machine } from './machine.ts';
import type { SidecarNode } from './sidecar-node.ts';
import { always, type Blocks, Windows } from './windows.ts';
import type { World } from './world.ts';

/** Every program has started, and the first token is there. */
export const WARM_UP_MS = 30_000;
/** A back-off of a minute, and then some. */
export const BACKOFF_MS = 66_000;
/** A hub that was away from its store waits for fetches whose turn the store may have forgotten. */
export const STORE_SETTLE_MS = 25_000;
export const SETTLE_MS = 5_000;
/** Whoever dies or stands still may have had the turn, which is over after 8 s. */
const LEASE_MS = 12_000;

/** What the faults of a world excuse, and for how long. */
export class Excuses {
  readonly #world: World;
  readonly #windows: Windows;
  /** Keepers whom the platform refuses as long as people do nothing. */
  readonly #barredMs = new Map<string, number>();
  readonly #refusals: { readonly path: string; readonly toMs: number }[] = [];
  readonly #strays: { readonly atMs: number; readonly times: number }[] = [];
  /** Until when the store may have forgotten something, or some hub may have been without it. */
  #storeDoubtMs = -Infinity;
  #platformTroubleMs = -Infinity;
  /** Until when an answer of the platform may have been late, or lost. */
  #wayTroubleMs = -Infinity;
  /** When all that the programs knew was last lost. */
  #memoryLostMs = -Infinity;

  constructor(world: World) {
    this.#world = world;
    this.#windows = new Windows(world);
    this.offFor(WARM_UP_MS, always, 0);
  }

  /** Whether the platform was slow, in diagnosis, or cut off from somebody since then. */
  isPlatformTroubled(sinceMs: number): boolean {
    return this.#platformTroubleMs > sinceMs;
  }

  /** The same, but for a platform that is quick to say that it gives no token. */
  isWayTroubled(sinceMs: number): boolean {
    return this.#wayTroubleMs > sinceMs;
  }

  /** Whether the store was there for all hubs since then, and kept what was written. */
  storeWasSure(sinceMs: number): boolean {
    return this.#storeDoubtMs < sinceMs;
  }

  /** Since when nobody can have forgotten that this keeper forced a refresh, nor had a wrong idea of the time. */
  sureSinceMs(keeper: string): number {
    const { hubs, sidecars, sizes } = this.#world;
    const node = [...hubs, ...sidecars].find(({ name }) => name === keeper);
    const machine = machineOf(node);
    const isForgetful = sizes.store === 'memory';
    return Math.max(
      machine?.lastJumpMs ?? -Infinity,
      this.#memoryLostMs,
      isForgetful ? (machine?.startedMs ?? -Infinity) : -Infinity,
      sizes.store === 'shared' ? this.#storeDoubtMs : -Infinity,
    );
  }

  /** Whether the hub could not refresh a token all the time since a moment before `sinceMs`, and can know it. */
  isUnable(hub: string, sinceMs: number): boolean {
    const { hubs, sizes, platform } = this.#world;
    const node = hubs.find(({ name }) => name === hub);
    const startedMs = node?.machine()?.startedMs ?? Infinity;
    if (startedMs > sinceMs - SETTLE_MS) return false;
    const barredMs = this.#barredMs.get(hub);
    const isBarred = platform.notListed.has(hub) || node?.secret !== platform.secret;
    if (isBarred && barredMs !== undefined && barredMs < sinceMs - SETTLE_MS) return true;
    const link = node?.keeping?.link;
    return sizes.mode === 'classic' && link?.isThere === false && link.awaySinceMs < sinceMs - SETTLE_MS;
  }

  /** How many paths refused every token at some time since then. */
  refusingSince(sinceMs: number): number {
    return new Set(this.#refusals.filter(({ toMs }) => toMs > sinceMs).map(({ path }) => path)).size;
  }

  straysSince(sinceMs: number): number {
    return this.#strays.reduce((sum, { atMs, times }) => sum + (atMs > sinceMs ? times : 0), 0);
  }

  /** Whether nothing stood in anybody's way since then. */
  isCalm(sinceMs: number): boolean {
    return this.#windows.isCalm(sinceMs);
  }

  isFree(keeper: string, sinceMs: number): boolean {
    return this.#windows.isFree(keeper, sinceMs);
  }

  /** Whether a refused token must be healed, where it takes from `fromMs` to now. */
  isPromised(sidecar: string, fromMs: number): boolean {
    return this.#windows.hasWay(sidecar, fromMs, 'healing');
  }

  /** The same for a call that finds no token: it wakes whoever backs off. */
  isServed(sidecar: string, fromMs: number): boolean {
    return this.#windows.hasWay(sidecar, fromMs, 'serving');
  }

  /** The promises are off for this long and a time to settle; `end` is what ends the fault. */
  offFor(
    forMs: number,
    blocks: Blocks,
    settleMs: number,
    end: () => void = () => {},
    servingMs = settleMs === BACKOFF_MS ? SETTLE_MS : settleMs,
  ): void {
    const on = this.#windows.open(blocks, { healing: settleMs, serving: servingMs });
    this.#world.schedule.in(forMs, undefined, () => {
      end();
      on();
    });
  }

  /** From now on the platform gives this keeper nothing. */
  barred(name: string): void {
    this.#barredMs.set(name, this.#world.schedule.nowMs);
  }

  unbarred(name: string): void {
    this.#barredMs.delete(name);
  }

  pathRefuses(path: string, forMs: number): void {
    this.#refusals.push({ path, toMs: this.#world.schedule.nowMs + forMs });
  }

  straysCome(times: number): void {
    this.#strays.push({ atMs: this.#world.schedule.nowMs, times });
  }

  leaseInDoubt(): void {
    if (this.#world.sizes.store === 'shared') this.offFor(0, always, LEASE_MS);
  }

  troublePlatform(forMs: number): void {
    this.#platformTroubleMs = Math.max(this.#platformTroubleMs, this.#world.schedule.nowMs + forMs);
  }

  troubleWay(forMs: number): void {
    this.#wayTroubleMs = Math.max(this.#wayTroubleMs, this.#world.schedule.nowMs + forMs);
  }

  memoryLost(): void {
    this.#memoryLostMs = this.#world.schedule.nowMs;
  }

  doubtStore(forMs: number): void {
    this.#storeDoubtMs = Math.max(this.#storeDoubtMs, this.#world.schedule.nowMs + forMs + STORE_SETTLE_MS);
  }
}

export function machineOf(node: HubNode | SidecarNode | undefined): Machine | undefined {
  return typeof node?.machine === 'function' ? node.machine() : node?.machine;
}
