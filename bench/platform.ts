/**
 * The platform of the bench, as a program: node:https, and plain HTTP for nginx, which, if available, stands in front
 * and answers the frequent calls. Prints its ports, `[tls, plain]`.
 */
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { BINARY, JSON_4K, noted, PATHS, REFUSED, SMALL } from './bodies.ts';

const [certFile = '', keyFile = ''] = process.argv.slice(2);

let tokens = 1;

const answer: RequestListener = (request, response) => {
  request.resume();
  const url = new URL(request.url ?? '/', 'http://platform');
  if (url.pathname === PATHS.hanging) return;
  const body = answerTo(url);
  response.writeHead(body === undefined ? 404 : 200, {
    'content-type': body instanceof Buffer ? 'image/jpeg' : 'application/json; encoding=utf-8',
    'content-length': body === undefined ? 0 : Buffer.byteLength(body),
  });
  response.end(body);
};

const options = { keepAliveTimeout: 3_600_000 };
const tls = createTlsServer({ ...options, cert: readFileSync(certFile), key: readFileSync(keyFile) }, answer);
const plain = createPlainServer(options, answer);
process.stdout.write(`${JSON.stringify([await listen(tls), await listen(plain)])}\n`);

function answerTo({ pathname, searchParams }: URL): string | Buffer | undefined {
  switch (pathname) {
    case PATHS.small:
    case PATHS.send:
    case PATHS.probe:
    case PATHS.traces:
      return SMALL;
    case PATHS.json4k:
      return JSON_4K;
    case PATHS.binary:
      return BINARY;
    case PATHS.checked:
      return searchParams.get('access_token') === currentToken() ? SMALL : REFUSED;
    case PATHS.varied:
      return noted(searchParams.get('note') ?? '');
    case PATHS.newToken:
      tokens += 1;
      return SMALL;
    case PATHS.token:
      return JSON.stringify({ access_token: currentToken(), expires_in: 7_200 });
    default:
      return pathname.startsWith(PATHS.many) ? SMALL : undefined;
  }
}

/** As long as a real one. */
function currentToken(): string {
  return `57_${String(tokens).padStart(6, '0')}${'AbCdEfGh-1JkLmNo'.repeat(8)}`.slice(0, 136);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
