import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { copyIfShared } from '../base/read-buffer.ts';
import type { Fields } from './plain-fields.ts';
import type { PlainRequest } from './plain-request.ts';
import { PlainResponse, type ResponseWire } from './plain-response.ts';

export interface ExchangeOwner {
  began(): void;
  over(): void;
}

/** One plain request and its response. */
export class PlainExchange {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly httpVersion = '1.1';
  readonly complete = true;
  readonly fields: Fields;
  readonly body: Buffer;
  readonly socket: Socket;
  readonly response: PlainResponse;
  /** Called once the caller has left without its response. */
  onLeft: (() => void) | undefined;
  readonly #owner: ExchangeOwner;

  constructor(request: PlainRequest, socket: Socket, wire: ResponseWire, owner: ExchangeOwner) {
    this.method = request.method;
    this.url = request.url;
    this.fields = request.fields;
    this.body = request.body.length === 0 ? request.body : copyIfShared(request.body);
    this.socket = socket;
    this.response = new PlainResponse(wire);
    this.#owner = owner;
  }

  get headers(): IncomingHttpHeaders {
    return this.fields.headers;
  }

  get rawHeaders(): readonly string[] {
    return this.fields.rawHeaders;
  }

  /** It is served here, not in the general lane. */
  begin(): void {
    this.#owner.began();
  }

  /** The exchange is complete: the connection may carry its next request. */
  over(): void {
    this.#owner.over();
  }
}
