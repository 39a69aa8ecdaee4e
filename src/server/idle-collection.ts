import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../base/clock.ts';

/** Between two looks at how busy the event loop was. */
const LOOK_MS = 400;

/** A part of that time: below it no call is likely to meet a collection, which takes 15 to 40 ms. */
const UTILIZATION_MAX = 0.05;

/** V8 drops compiled code that did not run during six of its collections; each of these is two of them. */
const COLLECTIONS = 4;

/**
 * All of them usually take some 100 ms. If they have taken this long, the heap is large or the process gets little of a
 * processor, and there is no other. A single slow one may be due to a virtual machine that stood still.
 */
const COLLECTIONS_MS_MAX = 250;

/** A process that was busy for its first minute uses what it has. */
const LOOKS_MAX = 150;

/** In older versions `gc` with options collects the young generation alone, and V8 lacks a flag that is used here. */
const NODE_MAJOR_MIN = 22;

/**
 * Eight seconds after the last collection V8 makes two of its own, which would find nothing. They are prevented, but only around
 * that moment, because with the flag set V8 refuses the compiled code that Node brings. (In a sidecar it does so anyway; see `inlineMore`.)
 */
const PREVENT_AFTER_MS = 7_000;
const ALLOW_AFTER_MS = 2_000;
const OWN_COLLECTIONS = 2;

export interface Heap {
  /** The part of the time since it was last called in which the event loop was busy, from 0 to 1. */
  utilization(): number;
  /** Returns as much memory as possible. */
  collect(): void;
  /** Prevents or allows the collections that V8 makes by itself because the process is idle. */
  allowOwn(isAllowed: boolean): void;
}

/**
 * Once the process is idle after its start, frees what only the start needed: garbage, compiled code and empty pages of the
 * heap, a third of an idle sidecar's own memory. By itself V8 collects only after many allocations, which an idle process
 * does not make.
 */
export function collectWhenIdle(clock: Pick<Clock, 'after' | 'monotonicMs'>, heap: Heap): void {
  let collections = 0;
  let looks = 0;
  let tookMs = 0;
  const look = (): void => {
    looks += 1;
    if (heap.utilization() <= UTILIZATION_MAX) {
      const startMs = clock.monotonicMs();
      heap.collect();
      tookMs += clock.monotonicMs() - startMs;
      collections += 1;
      // The time that it took does not count as busy.
      heap.utilization();
    }
    if (tookMs > COLLECTIONS_MS_MAX || looks === LOOKS_MAX) return;
    if (collections < COLLECTIONS) clock.after(LOOK_MS, look);
    else clock.after(PREVENT_AFTER_MS, prevent);
  };
  const prevent = (): void => {
    heap.allowOwn(false);
    clock.after(ALLOW_AFTER_MS, () => heap.allowOwn(true));
  };
  clock.after(LOOK_MS, look);
}

/** The heap of this process; undefined if this version of Node cannot return memory. */
export function ownHeap(nodeVersion: string): Heap | undefined {
  if (Number.parseInt(nodeVersion.slice(1), 10) < NODE_MAJOR_MIN) return undefined;
  let before = performance.eventLoopUtilization();
  let gc: typeof globalThis.gc;
  return {
    utilization() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    collect() {
      gc ??= exposedGc();
      gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    },
    allowOwn(isAllowed) {
      setFlagsFromString(`--memory-reducer-gc-count=${isAllowed ? OWN_COLLECTIONS : 0}`);
    },
  };
}

/** A context has `gc` if the flag is set when it is made. As an option of Node, the flag would disable its code cache. */
function exposedGc(): typeof globalThis.gc {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('globalThis.gc') as typeof globalThis.gc;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
