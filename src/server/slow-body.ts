import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Connections } from './connections.ts';

/**
 * Node reports once that a request is not complete in time. That alone does not make an upload late: `onStalled` is
 * called when none of its bytes has arrived for `pauseMs` although we were reading. Returns whether there is an upload.
 */
export function followSlowBody(
  socket: Duplex & Partial<Pick<Socket, 'bytesRead'>>,
  connections: Connections,
  pauseMs: number,
  clock: Clock,
  onStalled: () => void,
): boolean {
  const request = connections.of(socket).at(-1)?.request;
  if (request === undefined || request.complete) return false;
  let bytesBefore = socket.bytesRead;
  const check = (): void => {
    if (request.complete || socket.destroyed) return;
    const { bytesRead } = socket;
    if (bytesRead === bytesBefore && (request.readableLength ?? 0) === 0) {
      onStalled();
      return;
    }
    bytesBefore = bytesRead;
    clock.after(pauseMs, check);
  };
  clock.after(pauseMs, check);
  return true;
}
