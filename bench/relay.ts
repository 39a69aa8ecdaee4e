/**
 * A distant TCP relay, as a program: `relay.js PORT ROUND_TRIP_MS` forwards every byte half a round trip later. A
 * connection through it is open at once, because the kernel accepts it; the round trip of opening is added to the first
 * bytes instead. Prints its port.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const [port = 0, roundTripMs = 0] = process.argv.slice(2).map(Number);

const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
  const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  pass(near, far, roundTripMs);
  pass(far, near, 0);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify([(server.address() as AddressInfo).port])}\n`);
});

function pass(from: Socket, to: Socket, openingMs: number): void {
  const openMs = performance.now() + openingMs;
  const later = (act: () => void): void => {
    setTimeout(act, Math.max(openMs - performance.now(), 0) + roundTripMs / 2);
  };
  from.on('data', (bytes) => later(() => to.write(bytes)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => later(() => to.destroy()));
}
