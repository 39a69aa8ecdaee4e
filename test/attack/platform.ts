import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/**
 * A program that stands in for the platform while a role is under attack: quick where it answers, and
 * silent for whoever asks it to hang. With the files of a certificate and its key, over TLS.
 */
const LARGE = Buffer.alloc(200 * 1024, 'x');
let issued = 0;

function answer(response: ServerResponse, body: unknown): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const type = Buffer.isBuffer(body) ? 'image/jpeg' : 'application/json';
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.length });
  response.end(bytes);
}

const serve: RequestListener = (request, response) => {
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
};
const [certFile, keyFile = ''] = process.argv.slice(2);
const server =
  certFile === undefined
    ? createServer(serve)
    : createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, serve);
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit(0));
