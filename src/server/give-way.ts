import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Keeps at most `max` connections to a server whose honest callers are quick and few: when one more
 * arrives, the oldest of those that have not finished TLS or sent a whole head gives way; if there is
 * none, the one whose last request is the longest ago. A newcomer is never the one that is refused.
 */
export class GiveWay {
  readonly #max: number;
  /** By the caller's address and port, oldest first. TLS and plain sockets of one connection share those. */
  readonly #unproven = new Map<string, Socket>();
  readonly #proven = new Map<string, Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  follow(server: Server): void {
    server.on('connection', (socket: Socket) => this.#opened(socket));
    server.on('request', ({ socket }) => this.#proved(socket));
  }

  #opened(socket: Socket): void {
    const caller = callerOf(socket);
    if (caller === undefined) {
      socket.destroy();
      return;
    }
    if (this.#unproven.size + this.#proven.size >= this.#max) {
      const [oldest] = this.#unproven.size > 0 ? this.#unproven : this.#proven;
      if (oldest !== undefined) {
        this.#forget(...oldest);
        oldest[1].destroy();
      }
    }
    this.#unproven.set(caller, socket);
    socket.once('close', () => this.#forget(caller, socket));
  }

  #proved(socket: Socket): void {
    const caller = callerOf(socket) ?? '';
    const underneath = this.#unproven.get(caller) ?? this.#proven.get(caller);
    if (underneath === undefined) return;
    this.#forget(caller, underneath);
    this.#proven.set(caller, underneath);
  }

  /** By now another connection may come from the same address and port. */
  #forget(caller: string, socket: Socket): void {
    for (const table of [this.#unproven, this.#proven]) {
      if (table.get(caller) === socket) table.delete(caller);
    }
  }
}

/** Undefined if the caller has left already. */
function callerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
