import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Connections } from './connections.ts';

/** How long after its end a caller is not asked whether it is still there. Most answers are out by then. */
const GRACE_MS = 500;
/** From one interim response to the next, by when a reset has come back: callers are on this machine. */
const RESET_MS = 100;
const ASKS = 2;

/**
 * A caller that closes its side after its request gets its answer. On the wire that is the same as a
 * caller that has left, whose call is to end. So whoever is still unanswered after the grace is asked in
 * the one way that HTTP has, an interim response: the system of a caller that has left answers it with a
 * reset, which the next one meets, and a caller that waits reads past both. Where nothing can be sent (a head that is out already, a
 * caller of HTTP/1.0), and nothing is being sent, the caller counts as gone.
 */
export function allowHalfClose(
  server: Server,
  opened: 'connection' | 'secureConnection',
  connections: Connections,
  clock: Clock,
): void {
  // A property of Node's that has no documentation and has been there since its first versions.
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
      this.#look();
    });
    const cancel = (): void => timer.cancel();
    this.#socket.once('close', cancel);
  }

  #look(): void {
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
