import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface GiveWayLimits {
  /** All connections together. */
  readonly max?: number;
  /** Those that have not finished TLS or sent a whole head; one peer address may hold half of them. */
  readonly unprovenMax?: number;
}

/**
 * Keeps the connections to a server within limits by closing an old one for each that arrives: the oldest
 * of those that have not finished TLS or sent a whole head; if there is none, the one whose last request
 * is the longest ago. A newcomer is never the one that is refused, so whoever only holds places loses them.
 */
export class GiveWay {
  readonly #max: number;
  readonly #unprovenMax: number;
  /** By the caller's address and port, oldest first. TLS and plain sockets of one connection share those. */
  readonly #unproven = new Map<string, Socket>();
  readonly #proven = new Map<string, Socket>();
  /** How many unproven connections each address has. */
  readonly #byAddress = new Map<string, number>();

  constructor({ max = Infinity, unprovenMax = Infinity }: GiveWayLimits) {
    this.#max = max;
    this.#unprovenMax = unprovenMax;
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
    const address = addressOf(caller);
    if ((this.#byAddress.get(address) ?? 0) >= this.#unprovenMax / 2) {
      this.#close([...this.#unproven].find(([each]) => addressOf(each) === address));
    } else if (this.#unproven.size >= this.#unprovenMax) {
      this.#close(this.#unproven.entries().next().value);
    } else if (this.#unproven.size + this.#proven.size >= this.#max) {
      const [oldest] = this.#unproven.size > 0 ? this.#unproven : this.#proven;
      this.#close(oldest);
    }
    this.#unproven.set(caller, socket);
    this.#count(address, 1);
    socket.once('close', () => this.#forget(caller, socket));
  }

  #close(oldest: [string, Socket] | undefined): void {
    if (oldest === undefined) return;
    this.#forget(...oldest);
    oldest[1].destroy();
  }

  #count(address: string, by: 1 | -1): void {
    const count = (this.#byAddress.get(address) ?? 0) + by;
    if (count === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, count);
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
    if (this.#unproven.get(caller) === socket) {
      this.#unproven.delete(caller);
      this.#count(addressOf(caller), -1);
    }
    if (this.#proven.get(caller) === socket) this.#proven.delete(caller);
  }
}

/** Undefined if the caller has left already. */
function callerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

function addressOf(caller: string): string {
  return caller.slice(0, caller.indexOf(' '));
}
