import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { DESCRIPTORS_HINT, descriptorsMax } from '../base/descriptors.ts';
import type { Log } from '../base/log.ts';

/** A property of Node's that has no documentation and has been there since its first versions. */
type HandledSocket = Socket & { readonly _handle?: { readonly fd?: number } };

/** Descriptors that callers do not get, and their part of all where there are few. */
const RESERVE_MAX = 64;
const RESERVE_PART = 1 / 8;

/**
 * Closes the connections of callers that would take the last descriptors, which the process needs to reach
 * the platform, its hub and its store, to read its files and to answer on its admin port. Without that the
 * system closes them all the same, and nobody hears of it: Node takes and closes what it cannot keep.
 */
export function reserveDescriptors(
  server: Server,
  log: Log,
  setting: string,
  max: number | undefined = descriptorsMax(),
): void {
  if (max === undefined) return;
  const callersMax = max - Math.min(RESERVE_MAX, Math.ceil(max * RESERVE_PART));
  server.on('connection', (socket: HandledSocket) => {
    // The lowest free number is given out, so this one says how many are open.
    const open = socket._handle?.fd ?? -1;
    if (open < callersMax) return;
    log.error('connection closed: file descriptors are running out', {
      setting,
      open,
      max,
      hint: DESCRIPTORS_HINT,
    });
    socket.destroy();
  });
}
