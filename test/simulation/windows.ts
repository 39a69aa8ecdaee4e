import type { World } from './world.ts';

/** Between which sidecar and which hub something stands in the way. A sidecar without hubs is its own. */
export type Blocks = (sidecar: string, hub: string) => boolean;

/** Between all of them. */
export const always: Blocks = () => true;

/** What takes its time after a fault: to heal a refused token, or merely to serve one. */
export type Matter = 'healing' | 'serving';

interface Window {
  readonly blocks: Blocks;
  readonly untilMs: Record<Matter, number>;
}

/** When the promises of the contract are off, and between whom. */
export class Windows {
  readonly #world: World;
  readonly #windows: Window[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Off from now on; gives back what ends it, after a time to settle. */
  open(blocks: Blocks, settleMs: Readonly<Record<Matter, number>>): () => void {
    const { schedule } = this.#world;
    const window: Window = { blocks, untilMs: { healing: Infinity, serving: Infinity } };
    this.#windows.push(window);
    return () => {
      window.untilMs.healing = schedule.nowMs + settleMs.healing;
      window.untilMs.serving = schedule.nowMs + settleMs.serving;
    };
  }

  /** Whether the sidecar had, all the time from then to now, one and the same hub at which nothing was in the way. */
  hasWay(sidecar: string, fromMs: number, matter: Matter): boolean {
    const { hubs } = this.#world;
    const names = hubs.length === 0 ? [sidecar] : hubs.map(({ name }) => name);
    const on = this.#windows.filter(({ untilMs }) => untilMs[matter] > fromMs);
    return names.some((hub) => !on.some(({ blocks }) => blocks(sidecar, hub)));
  }

  /** Whether nothing was in the way of this keeper since then, whoever asks it. */
  isFree(keeper: string, sinceMs: number): boolean {
    return !this.#windows.some(({ untilMs, blocks }) => untilMs.healing > sinceMs && blocks(keeper, keeper));
  }

  isCalm(sinceMs: number): boolean {
    return !this.#windows.some(({ untilMs, blocks }) => untilMs.healing > sinceMs && blocks === always);
  }
}
