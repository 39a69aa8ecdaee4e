import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { Connections } from './connections.ts';
import type { LocalResponse } from './local-response.ts';

/** Input that never becomes a request for a handler. */
export interface Refusal {
  readonly kind: 'malformed' | 'head_too_large' | 'timeout' | 'connect' | 'missing_host';
  /** The appropriate HTTP status. */
  readonly status: number;
  /** One sentence for people. */
  readonly message: string;
}

export type Refuse = (refusal: Refusal) => LocalResponse;

/** How long a refused caller may take to read its response before the connection is closed. */
const LINGER_MS = 1_000;

const plainRefuse: Refuse = ({ status, message }) => {
  const body = Buffer.from(`${message}\n`);
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': String(body.length) },
    body,
  };
};

/** Responds on the bare socket and closes it. */
export class Refuser {
  readonly #refuse: Refuse;
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #refused = new WeakSet<Duplex>();

  constructor(refuse: Refuse | undefined, connections: Connections, clock: Clock) {
    this.#refuse = refuse ?? plainRefuse;
    this.#connections = connections;
    this.#clock = clock;
  }

  parserFailed(error: NodeJS.ErrnoException, socket: Duplex): void {
    const refusal = refusalOf(error.code);
    if (refusal === undefined) socket.destroy();
    else this.#close(socket, refusal);
  }

  connectAsked(socket: Duplex): void {
    this.#close(socket, { kind: 'connect', status: 405, message: 'CONNECT is not served here.' });
  }

  answerMissingHost(response: ServerResponse): void {
    const answer = this.#refuse({
      kind: 'missing_host',
      status: 400,
      message: 'The request has no Host header.',
    });
    response.shouldKeepAlive = false;
    response.writeHead(answer.status, { ...answer.headers });
    response.end(answer.body);
  }

  /**
   * A response on the bare socket must never be taken for the response to another request: if one is in progress, it is
   * finished and ours is omitted.
   */
  #close(socket: Duplex, refusal: Refusal): void {
    if (this.#refused.has(socket)) return;
    this.#refused.add(socket);
    socket.on('error', () => socket.destroy());
    const pending = this.#connections.of(socket);
    const last = pending.at(-1);
    if (
      last === undefined ||
      (pending.length === 1 && !last.request.complete && !last.response.headersSent)
    ) {
      this.#endWith(socket, wireOf(this.#refuse(refusal)));
    } else if (last.request.complete) {
      last.response.shouldKeepAlive = false;
      last.response.once('close', () => this.#endWith(socket, undefined));
    } else {
      socket.destroy();
    }
  }

  /** Keeps reading briefly after the response: if unread input is left, the system drops the response. */
  #endWith(socket: Duplex, bytes: Buffer | undefined): void {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    socket.end(bytes);
    socket.resume();
    const timer = this.#clock.after(LINGER_MS, () => socket.destroy());
    socket.once('end', () => socket.destroy());
    socket.once('close', () => timer.cancel());
  }
}

function refusalOf(code: string | undefined): Refusal | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { kind: 'head_too_large', status: 431, message: 'The request line and headers are too long.' };
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { kind: 'timeout', status: 408, message: 'The request did not arrive in time.' };
  }
  if (code === 'HPE_INVALID_URL') {
    const message = 'The URL contains invalid characters: percent-encode them.';
    return { kind: 'malformed', status: 400, message };
  }
  if (code?.startsWith('HPE_') === true) {
    return { kind: 'malformed', status: 400, message: `The request is not valid HTTP/1.1 (${code}).` };
  }
  return undefined;
}

function wireOf({ status, headers, body }: LocalResponse): Buffer {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  lines.push('connection: close', '', '');
  return Buffer.concat([Buffer.from(lines.join('\r\n')), body]);
}
