/** What processes use, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Memory {
  readonly nowMib: number;
  /** Of that, what no file backs, so that every process has its own. */
  readonly anonymousMib: number;
  readonly peakMib: number;
}

/** A process and its descendants. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : '';
    // The program name is in parentheses and may contain anything; the state and the parent follow it.
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const tree = [root];
  for (const pid of tree) {
    for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  }
  return tree;
}

/** CPU time so far, and time spent ready to run while the core was busy. */
export interface CpuTime {
  readonly usedUs: number;
  readonly waitedUs: number;
}

/** In nanoseconds: ticks of 10 ms are too coarse here. */
export function cpuTime(pids: readonly number[]): CpuTime {
  let [usedNs, waitedNs] = [0, 0];
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [used, waited] = read(`/proc/${pid}/task/${thread}/schedstat`).split(' ').map(Number);
      usedNs += used ?? 0;
      waitedNs += waited ?? 0;
    }
  }
  return { usedUs: usedNs / 1_000, waitedUs: waitedNs / 1_000 };
}

/** For how long the host of this virtual machine has given a core to others that wanted it; 0 if the core is unknown. */
export function stolenMs(core: string | undefined): number {
  const [, stolen = 0] = new RegExp(`^cpu${core} +(?:\\d+ ){7}(\\d+)`, 'm').exec(read('/proc/stat')) ?? [];
  return Number(stolen) * MS_PER_TICK;
}

/** Linux counts in hundredths of a second here. */
const MS_PER_TICK = 10;

/** Resident memory; what processes of one tree share (program text, mapped files) counts once. */
export function memory(pids: readonly number[]): Memory {
  let ownKib = 0;
  let ownPeakKib = 0;
  let sharedKib = 0;
  for (const pid of pids) {
    const status = read(`/proc/${pid}/status`);
    const kib = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    const shared = kib('RssFile') + kib('RssShmem');
    ownKib += kib('RssAnon');
    ownPeakKib += kib('VmHWM') - shared;
    sharedKib = Math.max(sharedKib, shared);
  }
  return {
    nowMib: (ownKib + sharedKib) / 1_024,
    anonymousMib: ownKib / 1_024,
    peakMib: (ownPeakKib + sharedKib) / 1_024,
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It has exited.
  }
}
