/** What an event happens to. Where it is not there any more, the event does not happen. */
export interface Host {
  readonly alive: boolean;
  /** A paused host misses nothing: what happens to it meanwhile waits for its end. */
  readonly pausedUntilMs: number;
}

export interface Planned {
  cancel(): void;
}

class Entry implements Planned {
  atMs: number;
  /** Events of one moment happen in the order in which they were planned. */
  order: number;
  readonly host: Host | undefined;
  run: (() => void) | undefined;

  constructor(atMs: number, order: number, host: Host | undefined, run: () => void) {
    this.atMs = atMs;
    this.order = order;
    this.host = host;
    this.run = run;
  }

  cancel(): void {
    this.run = undefined;
  }
}

/** What is hung on it runs behind the promises that are on their way; cheaper than `queueMicrotask`. */
const atRest = Promise.resolve();

/** So many events without a break, and whatever else the process has to do gets its turn. */
const EVENTS_PER_TURN = 20_000;

/**
 * Virtual time: a heap of events. Between two events all promises settle, so that what runs is real
 * code with real promises, and yet the same in each run.
 */
export class Schedule {
  /** True time, in milliseconds since the world began. No host sees it; each has a clock of its own. */
  nowMs = 0;
  events = 0;
  readonly #heap: Entry[] = [];
  #order = 0;
  #stopped = false;

  at(atMs: number, host: Host | undefined, run: () => void): Planned {
    const entry = new Entry(Math.max(atMs, this.nowMs), this.#order++, host, run);
    push(this.#heap, entry);
    return entry;
  }

  in(delayMs: number, host: Host | undefined, run: () => void): Planned {
    return this.at(this.nowMs + delayMs, host, run);
  }

  /** Nothing happens after the event that runs now. */
  stop(): void {
    this.#stopped = true;
  }

  run(untilMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = EVENTS_PER_TURN;
      // A tick that is asked for by a promise comes when no promise has anything left to do.
      const settled = (): void => process.nextTick(next);
      const next = (): void => {
        try {
          const entry = this.#stopped ? undefined : this.#take(untilMs);
          if (entry === undefined) {
            if (!this.#stopped) this.nowMs = untilMs;
            resolve();
            return;
          }
          this.events += 1;
          (entry.run as () => void)();
        } catch (error) {
          reject(error);
          return;
        }
        left -= 1;
        if (left > 0) void atRest.then(settled);
        else {
          left = EVENTS_PER_TURN;
          setImmediate(next);
        }
      };
      process.nextTick(next);
    });
  }

  #take(untilMs: number): Entry | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > untilMs) return undefined;
      pop(this.#heap);
      if (first.run === undefined) continue;
      this.nowMs = first.atMs;
      const { host } = first;
      if (host !== undefined && !host.alive) continue;
      if (host !== undefined && host.pausedUntilMs > this.nowMs) {
        // It keeps its place among those that wait with it: `order` grows in the order of taking.
        first.atMs = host.pausedUntilMs;
        first.order = this.#order++;
        push(this.#heap, first);
        continue;
      }
      return first;
    }
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up] as Entry;
    if (!isBefore(entry, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop() as Entry;
  const size = heap.length;
  if (size === 0) return;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    if (down >= size) break;
    if (down + 1 < size && isBefore(heap[down + 1] as Entry, heap[down] as Entry)) down += 1;
    const child = heap[down] as Entry;
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = last;
}
