/** The simplest forwarding proxy, for overhead.ts: http-proxy alone. Prints its port, and ends with its parent. */
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import httpProxy from 'http-proxy';

const [target = ''] = process.argv.slice(2);
const proxy = httpProxy.createProxyServer({ target, agent: new Agent({ keepAlive: true }) });
const server = createServer((request, response) => proxy.web(request, response));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ event: 'serving', listen: [`127.0.0.1:${port}`] })}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
