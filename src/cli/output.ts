import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** How much may wait for a slow reader. Further lines are dropped: serving calls takes priority over logging. */
export const WAITING_BYTES_MAX: number = 1024 * 1024;

/** How long the exit of the process waits for a slow reader. */
export const FLUSH_MS_MAX = 500;

/**
 * A text output whose reader may be slow, stop reading or go away, and whose disk may be full. Writing never blocks the
 * process, never throws, and never ends it; what cannot be written is dropped.
 */
export interface Output {
  write(text: string): void;
  /** Resolves when everything is written or dropped. */
  flushed(): Promise<void>;
}

/**
 * Opens file descriptor `fd`. Node's own streams would block on an unread pipe, and end the process on a closed one.
 */
export function openOutput(fd: number): Output {
  return isPipe(fd) ? pipeOutput(new Socket({ fd, readable: false, writable: true })) : fileOutput(fd);
}

function isPipe(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false;
  }
}

/** A file or a terminal: a write succeeds at once or fails (ENOSPC, EIO, EDQUOT, EBADF). */
function fileOutput(fd: number): Output {
  return {
    write(text) {
      try {
        let rest = Buffer.from(text);
        while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
      } catch {
        // There is nowhere to report this.
      }
    },
    flushed: () => Promise.resolve(),
  };
}

export function pipeOutput(pipe: Socket): Output {
  let isGone = false;
  const leave = (): void => {
    isGone = true;
  };
  pipe.on('error', leave).on('close', leave);
  // The log alone must not keep the process alive.
  pipe.unref();
  return {
    write(text) {
      const waiting = pipe.writableLength;
      // A single text may be larger: the status of a hub with thousands of accounts.
      if (!isGone && (waiting === 0 || waiting + text.length <= WAITING_BYTES_MAX)) pipe.write(text);
    },
    flushed: () =>
      new Promise((resolve) => {
        if (isGone || pipe.writableLength === 0) {
          resolve();
          return;
        }
        pipe.ref();
        pipe.once('drain', resolve).once('close', resolve);
      }),
  };
}
