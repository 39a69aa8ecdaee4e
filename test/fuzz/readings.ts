import { Agent, type ClientRequest, request as httpRequest } from 'node:http';
import { Duplex } from 'node:stream';
import { ResponseError, type ResponseHead } from '../../src/upstream/response-head.ts';
import { ResponseParser } from '../../src/upstream/response-parser.ts';
import type { Sent } from './odd-bytes.ts';

/** A response as somebody reads it; `undefined` for one that is refused or is not whole. */
export interface Reading {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly string[];
  /** Latin-1. */
  readonly body: string;
  readonly trailers: readonly string[];
  /** Whether the connection would carry another request. */
  readonly isKept: boolean;
  /** Whether bytes came after the end; said by ours alone. */
  readonly hasMore?: boolean;
}

/** By our parser. Throws what is no `ResponseError`, and where it goes on after its end. */
export function readByOurs({ method, pieces }: Sent): Reading | undefined {
  let head: ResponseHead | undefined;
  let trailers: readonly string[] | undefined;
  let endedEarly = false;
  const chunks: Buffer[] = [];
  const parser = new ResponseParser(method, {
    onHead(found) {
      if (head !== undefined || trailers !== undefined) throw new Error('A second head');
      head = found;
    },
    onData(chunk) {
      if (head === undefined || trailers !== undefined) throw new Error('Data outside of a response');
      chunks.push(chunk);
    },
    onEnded(found) {
      if (head === undefined || trailers !== undefined) throw new Error('An end outside of a response');
      trailers = found;
    },
  });
  try {
    for (const piece of pieces) parser.push(Buffer.from(piece, 'latin1'));
    endedEarly = parser.isOver;
    parser.end();
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    return undefined;
  }
  if (head === undefined || trailers === undefined) throw new Error('An end without a response');
  const { status, reason, headers, keepAlive } = head;
  const isKept = endedEarly && keepAlive && !parser.isTainted;
  return {
    status,
    reason,
    headers,
    body: Buffer.concat(chunks).toString('latin1'),
    trailers,
    isKept,
    hasMore: parser.isTainted,
  };
}

/** A connection in memory. */
class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

class WireAgent extends Agent {
  readonly wire = new Wire();
  isKept = false;

  constructor() {
    super({ keepAlive: true });
  }

  override createConnection(): Duplex {
    return this.wire;
  }

  override keepSocketAlive(): boolean {
    this.isKept = true;
    return false;
  }

  addRequest(request: ClientRequest & { maxHeaderSize?: number }, options: object): void {
    request.maxHeaderSize = 64 * 1024;
    request.maxHeadersCount = 0;
    (Agent.prototype as unknown as { addRequest(...args: unknown[]): void }).addRequest.call(
      this,
      request,
      options,
    );
  }
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** By Node's client, strict as it is by default. */
export async function readByNode({ method, pieces }: Sent): Promise<Reading | undefined> {
  const agent = new WireAgent();
  const request = httpRequest({ agent, method, host: 'localhost' });
  let reading: Reading | undefined;
  let isBroken = false;
  request.on('error', () => (isBroken = true));
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', () => (isBroken = true));
    response.on('end', () => {
      if (!response.complete) return;
      const { statusCode = 0, statusMessage = '', rawHeaders, rawTrailers } = response;
      const body = Buffer.concat(chunks).toString('latin1');
      reading = {
        status: statusCode,
        reason: statusMessage,
        headers: rawHeaders,
        body,
        trailers: rawTrailers,
        isKept: false,
      };
    });
  });
  request.end();
  await soon();
  for (const piece of pieces) agent.wire.push(Buffer.from(piece, 'latin1'));
  for (let turns = 0; turns < 2; turns += 1) await soon();
  if (reading === undefined && !isBroken) {
    agent.wire.push(null);
    for (let turns = 0; turns < 3; turns += 1) await soon();
  }
  const isKept = agent.isKept && !isBroken;
  request.destroy();
  agent.wire.destroy();
  return reading === undefined ? undefined : { ...reading, isKept };
}
