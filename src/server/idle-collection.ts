import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../base/clock.ts';

/** Between two looks at how busy the event loop was. */
const LOOK_MS = 400;

/** A part of that time: below it no call is likely to meet a collection, which takes some 20 ms. */
const UTILIZATION_MAX = 0.05;

/** V8 drops compiled code that did not run between six collections; each of these is two or three of them. */
const COLLECTIONS = 4;

/** A process that was busy for its first minute uses what it has. */
const LOOKS_MAX = 150;

/** Before it, `gc` with options collects the young generation alone, which returns nothing. */
const NODE_MAJOR_MIN = 22;

/** V8 itself collects twice, eight seconds after a collection: it would find nothing more. */
const OWN_COLLECTION_MS = 10_000;
const OWN_COLLECTIONS = 2;

export interface Heap {
  /** The part of the time since it was last called in which the event loop was busy, from 0 to 1. */
  utilization(): number;
  /** Returns as much memory as possible. V8's own collections of an idle heap wait until `release`. */
  collect(): void;
  release(): void;
}

/**
 * Returns what only the start needed, once, when the process has nothing to do: garbage, compiled code and empty pages of
 * the heap, a third of the memory that an idle sidecar has of its own. V8 collects garbage when much has been allocated,
 * so that in an idle process it does not.
 */
export function collectWhenIdle(clock: Pick<Clock, 'after'>, heap: Heap): void {
  let collections = 0;
  let looks = 0;
  const look = (): void => {
    looks += 1;
    if (heap.utilization() <= UTILIZATION_MAX) {
      heap.collect();
      collections += 1;
      // The time that it took does not count as busy.
      heap.utilization();
    }
    if (collections < COLLECTIONS && looks < LOOKS_MAX) clock.after(LOOK_MS, look);
    else if (collections > 0) clock.after(OWN_COLLECTION_MS, () => heap.release());
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
      setFlagsFromString('--memory-reducer-gc-count=0');
      gc ??= exposedGc();
      gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    },
    release() {
      setFlagsFromString(`--memory-reducer-gc-count=${OWN_COLLECTIONS}`);
      gc = undefined;
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
