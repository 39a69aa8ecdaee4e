import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Connects, and collects what comes as latin-1 text. */
export async function rawConnection(port: number, host = '127.0.0.1'): Promise<RawConnection> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  return new RawConnection(socket);
}

/** Sends the bytes as they are, and gives all that came back until the other side closed. */
export async function rawCall(port: number, bytes: string | Buffer, host?: string): Promise<string> {
  const connection = await rawConnection(port, host);
  connection.socket.write(bytes);
  return connection.untilClosed();
}

export class RawConnection {
  readonly socket: Socket;
  #received = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.#received += chunk.toString('latin1')));
    // A reset is one of the ways to be closed.
    socket.on('error', () => undefined);
  }

  received(): string {
    return this.#received;
  }

  async untilReceived(part: string): Promise<string> {
    while (!this.#received.includes(part)) {
      if (this.socket.closed) throw new Error(`Closed before ${part} came: got ${this.#received}`);
      await new Promise((resolve) => {
        this.socket.once('data', resolve);
        this.socket.once('close', resolve);
      });
    }
    return this.#received;
  }

  async untilClosed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.#received;
  }
}
