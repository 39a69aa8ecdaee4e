import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Connections } from './connections.ts';

/** How long after a caller's half-close we wait before probing it. Most responses are sent by then. */
const GRACE_MS = 500;
/** The interval between two interim responses, enough for a reset to arrive: callers are on this machine. */
const RESET_MS = 100;
const ASKS = 2;

/**
 * A caller that closes its side after its request still gets its response. On the wire this looks like a caller that
 * has left, whose call should be canceled. So a caller that is still unanswered after the grace period is probed with
 * interim responses, the only means that HTTP has: if it has left, its system replies with a reset, which the next one
 * hits; a caller that waits ignores both. If none can be sent (the head is already sent, or the caller uses HTTP/1.0)
 * and nothing is being sent, the caller counts as gone.
 */
export function allowHalfClose(
  server: Server,
  opened: 'connection' | 'secureConnection',
  connections: Connections,
  clock: Clock,
): void {
  // An undocumented property of Node, present since its first versions.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  server.on(opened, (socket: Socket) => {
    // With TLS too, but only from the end of the handshake on.
    socket.allowHalfOpen = true;
    socket.once('end', () => new HalfClosed(socket, connections, clock).wait());
  });
}

class HalfClosed {
  readonly #socket: Socket;
  readonly #connections: Connections;
  readonly #clock: Clock;
  #written: number;
  #asks = 0;

  constructor(socket: Socket, connections: Connections, clock: Clock) {
    this.#socket = socket;
    this.#connections = connections;
    this.#clock = clock;
    this.#written = socket.bytesWritten;
  }

  wait(delayMs = GRACE_MS): void {
    const timer = this.#clock.after(delayMs, () => {
      this.#socket.off('close', cancel);
      this.#check();
    });
    const cancel = (): void => timer.cancel();
    this.#socket.once('close', cancel);
  }

  #check(): void {
    const [current] = this.#connections.of(this.#socket);
    if (this.#socket.destroyed || current === undefined) return;
    const { request, response } = current;
    const isMoving = this.#socket.bytesWritten > this.#written;
    this.#written = this.#socket.bytesWritten;
    const canBeAsked = !response.headersSent && request.httpVersion !== '1.0';
    if (!isMoving && !canBeAsked) {
      this.#socket.destroy();
      return;
    }
    if (!canBeAsked || this.#asks === ASKS) return this.wait();
    response.writeContinue();
    this.#asks += 1;
    this.wait(RESET_MS);
  }
}
