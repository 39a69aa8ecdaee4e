import { readFileSync } from 'node:fs';

const KIB = 1_024;
export const MIB: number = KIB * KIB;

/** The most memory that a process has held at any time since it began, in bytes. Linux tells it. */
export function peakBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

/** The same without the pages of files, such as the program's: where memory is short, they are dropped and read again. */
export function ownPeakBytes(pid: number): number {
  return peakBytes(pid) - statusBytes(pid, 'RssFile');
}

function statusBytes(pid: number, key: string): number {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1]) * KIB;
}

/** What it holds now that no file backs. */
export function anonymousBytes(pid: number): number {
  return statusBytes(pid, 'RssAnon');
}
