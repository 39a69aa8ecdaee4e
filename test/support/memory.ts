import { readFileSync } from 'node:fs';

const KIB = 1_024;
export const MIB: number = KIB * KIB;

/** The most memory that a process has held at any time since it began, in bytes. Linux tells it. */
export function peakBytes(pid: number): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1]) * KIB;
}
