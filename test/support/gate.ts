import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Teardown } from './simulator.ts';

/** A way between two processes that can be cut: what goes through it is passed on as it is. */
export class Gate {
  /** Where it leads. */
  target: number;
  port = 0;
  #isCut = false;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(target: number) {
    this.target = target;
  }

  static async open(t: Teardown, target: number): Promise<Gate> {
    const gate = new Gate(target);
    const server = createServer((from) => gate.#pass(from));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    gate.port = (server.address() as AddressInfo).port;
    t.teardown(() => {
      gate.cut();
      server.close();
    });
    return gate;
  }

  /** Ends every connection, and every one to come at once. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  #pass(from: Socket): void {
    if (this.#isCut) {
      from.destroy();
      return;
    }
    const to = connect(this.target, '127.0.0.1');
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
