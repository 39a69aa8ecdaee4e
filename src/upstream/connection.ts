import type { Socket } from 'node:net';
import type { HasDeadline } from './deadlines.ts';

/** The request that currently uses the connection. */
export interface ConnectionUser {
  /** The bytes are valid until this returns. */
  onBytes(bytes: Buffer): void;
  onDrain(): void;
  /** The other side will send nothing more. */
  onEnd(): void;
  /** The connection is gone; `wasWritten` if any of the request was written. Called at most once, and last. */
  onClosed(error: NodeJS.ErrnoException, wasWritten: boolean): void;
  /** The other side has exceeded its time limit. */
  onLate(): void;
}

/** A keep-alive connection to an origin, used by one request at a time. */
export class Connection implements HasDeadline {
  readonly socket: Socket;
  readonly bornMs: number;
  /** Set at release: the connection is not reused after this. */
  idleUntilMs = 0;
  /** It has waited for a request, and the other side may have closed it meanwhile. */
  wasIdle = false;
  /** When the other side is late; Infinity while it owes nothing. */
  dueMs = Infinity;
  /** How many requests it has carried. */
  served = 0;
  #user: ConnectionUser | undefined;
  #isGone = false;
  /** Whether any of the current request has left this process. */
  #isWritten = false;
  readonly #onClosed: (connection: Connection) => void;

  constructor(socket: Socket, nowMs: number, onClosed: (connection: Connection) => void) {
    this.socket = socket;
    this.bornMs = nowMs;
    this.#onClosed = onClosed;
    socket.on('data', (bytes: Buffer) => this.onBytes(bytes));
    socket.on('drain', () => this.#user?.onDrain());
    socket.on('end', () => {
      if (this.#user === undefined) this.destroy();
      else this.#user.onEnd();
    });
    socket.on('error', (error) => this.#handleClose(error));
    socket.on('close', () => this.#handleClose(closed()));
  }

  /** Whether the other side has not closed it, as far as can be known without writing. */
  get isUsable(): boolean {
    return !this.#isGone && this.socket.writable && !this.socket.readableEnded;
  }

  take(user: ConnectionUser): void {
    this.#user = user;
    this.#isWritten = false;
    this.served += 1;
  }

  /** Called from the `data` event, or by the socket's `onread` in its place. */
  onBytes(bytes: Buffer): void {
    // No request is pending: data on an idle connection would be taken for the response to the next request.
    if (this.#user === undefined) this.destroy();
    else this.#user.onBytes(bytes);
  }

  /** For the first write of a request. */
  readonly onWritten = (error?: Error | null): void => {
    if (error === undefined || error === null) this.#isWritten = true;
  };

  onLate(): void {
    this.dueMs = Infinity;
    this.#user?.onLate();
  }

  /** The request is over; the connection may carry another one. */
  release(): void {
    this.#user = undefined;
    this.dueMs = Infinity;
    if (this.socket.isPaused()) this.socket.resume();
  }

  destroy(): void {
    this.#user = undefined;
    this.dueMs = Infinity;
    this.socket.destroy();
    this.#handleClose(closed());
  }

  #handleClose(error: NodeJS.ErrnoException): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const user = this.#user;
    this.#user = undefined;
    this.socket.destroy();
    this.#onClosed(this);
    user?.onClosed(error, this.#isWritten);
  }
}

function closed(): NodeJS.ErrnoException {
  return Object.assign(new Error('The connection was closed'), { code: 'ECONNRESET' });
}
