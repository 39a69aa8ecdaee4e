import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { DESCRIPTORS_HINT, descriptorsMax } from '../base/descriptors.ts';
import type { Log } from '../base/log.ts';

/** An undocumented property of Node, present since its first versions. */
type HandledSocket = Socket & { readonly _handle?: { readonly fd?: number } };

/** Descriptors reserved for the process, and the reserved share if there are few in all. */
const RESERVE_MAX = 64;
const RESERVE_PART = 1 / 8;

/**
 * Closes the connections of callers that would take the last descriptors, which the process needs to reach the
 * platform, its hub and its store, to read its files and to serve its admin port. Otherwise the connections would be
 * lost anyway, but silently: Node accepts and closes what it cannot keep.
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
    // The lowest free number is assigned, so this one shows how many are open.
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
