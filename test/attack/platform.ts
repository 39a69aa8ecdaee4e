import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A program that stands in for the platform while a role is under attack: quick where it answers, and
 * silent for whoever asks it to hang.
 */
const LARGE = Buffer.alloc(200 * 1024, 'x');
let issued = 0;

function answer(response: ServerResponse, body: unknown): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const type = Buffer.isBuffer(body) ? 'image/jpeg' : 'application/json';
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.length });
  response.end(bytes);
}

const server = createServer((request, response) => {
  request.resume();
  const url = request.url ?? '';
  if (/^\/cgi-bin\/(?:stable_)?token/.test(url)) {
    issued += 1;
    answer(response, {
      access_token: `TOKEN_OF_THE_ATTACKED_${String(issued).padStart(20, '0')}`,
      expires_in: 7_200,
    });
  } else if (url.includes('hang')) {
    // It never answers.
  } else if (url.includes('large')) {
    answer(response, LARGE);
  } else {
    answer(response, { errcode: 0, errmsg: 'ok' });
  }
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit(0));
