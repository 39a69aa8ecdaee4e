/** A node:http server that responds at once: the baseline for doing nothing. */
import { createServer } from 'node:http';
import { SMALL } from '../bodies.ts';
import { KEEP_ALIVE_MS, port } from './peer.ts';

const body = Buffer.from(SMALL);
createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}).listen(port, '127.0.0.1');
