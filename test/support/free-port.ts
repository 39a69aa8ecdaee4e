import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which outgoing connections get theirs, or one of them takes it before it is used. */
const [MIN, MAX] = [20_000, 32_000];

/** A port of loopback that nothing uses, for programs that have to be told one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = MIN + Math.floor(Math.random() * (MAX - MIN));
    const server = createServer();
    try {
      const bound = once(server, 'listening');
      server.listen(port, '127.0.0.1');
      await bound;
      server.close();
      await once(server, 'close');
      return port;
    } catch {
      // Somebody has it.
    }
  }
}
