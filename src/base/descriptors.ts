import { closeSync, openSync, readFileSync } from 'node:fs';

/** What to do if file descriptors run out. */
export const DESCRIPTORS_HINT =
  'raise the limit of open files (ulimit -n, LimitNOFILE, or that of the container runtime); compare process_open_fds with process_max_fds';

/** EMFILE: the limit of the process; ENFILE: that of the machine. */
export function isOutOfDescriptors(code: string | undefined): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/** The error code if no file can be opened: a lookup that lacks a descriptor fails as if there were no DNS. */
export function shortageNow(): string | undefined {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return isOutOfDescriptors(code) ? code : undefined;
  }
}

/** How many descriptors this process may have open; undefined if unknown (known on Linux only). */
export function descriptorsMax(): number | undefined {
  try {
    const [, max] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return max === undefined ? undefined : Number(max);
  } catch {
    return undefined;
  }
}
