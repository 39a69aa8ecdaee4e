import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ownCopy } from '../base/own-bytes.ts';
import type { Reason } from './errors.ts';
import type { UpstreamRequestBody } from '../upstream/request.ts';

/** The body of a call. */
export type CallBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'kept'; readonly body: Replayable }
  /** Not kept, because it is over the limit or needs no replay: it is streamed once. */
  | { readonly kind: 'streamed'; readonly bytes: number }
  | { readonly kind: 'refused'; readonly reason: Reason; readonly message: string }
  | { readonly kind: 'client_closed' };

/** A body that can be sent again as long as `replayable` is true. */
export interface Replayable extends UpstreamRequestBody {
  readonly replayable: boolean;
  /** No replay will be needed. */
  stopKeeping(): void;
  /** The call is over. */
  release(): void;
}

/** Memory shared by all kept bodies. */
export class ReplayBudget {
  #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  bytes(): number {
    return this.#bytes;
  }

  /** Changes the limit; reservations already made stay. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

export type Arrival = 'whole' | 'too_large' | 'no_memory' | 'client_closed';

/** A whole body up to this is joined: one write is cheaper than many. Joining a larger one would double its memory. */
const JOINED_BYTES_MAX = 64 * 1024;

/** Pieces smaller than a quarter of this are copied together. */
const PAGE_BYTES = 16 * 1024;

/** How much may wait for a slow upstream once a body is no longer kept. */
const QUEUE_BYTES_MAX = 64 * 1024;

/**
 * A request body that is streamed and kept at once, so that it can be sent again from its first byte. If the memory for
 * kept bodies runs out, it is only streamed and no longer replayable. Bytes are counted as they arrive, not as
 * announced.
 */
export class KeptBody implements Replayable {
  readonly #source: IncomingMessage;
  readonly #budget: ReplayBudget;
  readonly #announcedBytes: number | undefined;
  #chunks: Buffer[] = [];
  #queuedBytes = 0;
  #chargedBytes = 0;
  /** The last piece, while more may be joined to it. */
  #page: Page | undefined;
  #arrivedBytes = 0;
  #state: 'keeping' | 'streaming' | 'released' = 'keeping';
  #sourceEnded = false;
  #broken = false;
  #reader: BodyReader | undefined;
  #onProgress: () => void = () => {};

  /** `announcedBytes` is the Content-Length; `undefined` for a chunked body. */
  constructor(source: IncomingMessage, announcedBytes: number | undefined, budget: ReplayBudget) {
    this.#source = source;
    this.#announcedBytes = announcedBytes;
    this.#budget = budget;
    source.on('data', (chunk: Buffer) => this.#arrived(chunk));
    source.on('end', () => this.#ended());
    source.on('close', () => this.#closed());
    source.on('error', () => this.#closed());
  }

  /** The length of a chunked body, once it is complete. */
  get bytes(): number {
    return this.#announcedBytes ?? this.#arrivedBytes;
  }

  get replayable(): boolean {
    return this.#state === 'keeping';
  }

  /** Waits for the last byte; gives up if there are more than `bytesMax`. */
  whole(bytesMax: number): Promise<Arrival> {
    return new Promise((resolve) => {
      const check = (): void => {
        const arrival = this.#arrival(bytesMax);
        if (arrival === undefined) return;
        this.#onProgress = () => {};
        resolve(arrival);
      };
      this.#onProgress = check;
      check();
    });
  }

  /** Starts a read from the first byte. A previous read receives nothing more. */
  open(): Buffer | Readable {
    this.#reader?.detach();
    const isSmall = this.#chunks.length === 1 || this.#queuedBytes <= JOINED_BYTES_MAX;
    if (this.#state === 'keeping' && this.#sourceEnded && isSmall) {
      const whole = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = [whole];
      this.#reader = undefined;
      return whole;
    }
    this.#reader = new BodyReader((place) => this.#next(place));
    return this.#reader;
  }

  /** No replay will be needed: releases what has been read and streams the rest. */
  stopKeeping(): void {
    if (this.#state !== 'keeping') return;
    this.#state = 'streaming';
    const { index, offset } = this.#reader?.place ?? START;
    for (const chunk of this.#chunks.splice(0, index)) this.#letGo(chunk.length);
    this.#cut(offset);
    this.#reader?.rewind();
  }

  /** The call is over: releases everything and ignores what still arrives. */
  release(): void {
    this.#state = 'released';
    this.#budget.give(this.#chargedBytes);
    this.#chargedBytes = 0;
    this.#chunks = [];
    this.#queuedBytes = 0;
    this.#reader?.detach();
  }

  #arrival(bytesMax: number): Arrival | undefined {
    if (this.#arrivedBytes > bytesMax) return 'too_large';
    if (this.#state !== 'keeping') return 'no_memory';
    if (this.#sourceEnded) return 'whole';
    return this.#broken ? 'client_closed' : undefined;
  }

  #arrived(chunk: Buffer): void {
    this.#arrivedBytes += chunk.length;
    if (this.#state === 'released') return;
    if (this.#state === 'keeping') {
      if (this.#budget.take(chunk.length)) this.#chargedBytes += chunk.length;
      else this.stopKeeping();
    }
    this.#append(chunk);
    this.#reader?.wake();
    if (this.#state === 'streaming' && this.#queuedBytes > QUEUE_BYTES_MAX) this.#source.pause();
    this.#onProgress();
  }

  /**
   * Small pieces are joined into pages, whether they have been read or not: a buffer per byte would cost hundreds of
   * times its content.
   */
  #append(chunk: Buffer): void {
    this.#queuedBytes += chunk.length;
    if (chunk.length >= PAGE_BYTES / 4) {
      this.#closePage();
      this.#chunks.push(isMostOfItsMemory(chunk) ? chunk : ownCopy(chunk));
      return;
    }
    if (this.#page === undefined || this.#page.used + chunk.length > PAGE_BYTES) {
      this.#closePage();
      this.#page = { bytes: Buffer.allocUnsafeSlow(PAGE_BYTES), from: 0, used: 0 };
    }
    const page = this.#page;
    const isLast = page.used > page.from;
    chunk.copy(page.bytes, page.used);
    page.used += chunk.length;
    const piece = page.bytes.subarray(page.from, page.used);
    if (isLast) this.#chunks[this.#chunks.length - 1] = piece;
    else this.#chunks.push(piece);
  }

  /** What a page has too much would not be charged. */
  #closePage(): void {
    const page = this.#page;
    this.#page = undefined;
    if (page === undefined || page.used === page.from || page.used > PAGE_BYTES / 2) return;
    this.#chunks[this.#chunks.length - 1] = ownCopy(page.bytes.subarray(page.from, page.used));
  }

  /** Drops the first bytes of the first piece, which have been read and will not be read again. */
  #cut(bytes: number): void {
    const chunk = this.#chunks[0];
    if (chunk === undefined || bytes === 0) return;
    if (this.#page !== undefined && this.#chunks.length === 1) this.#page.from += bytes;
    if (bytes === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(bytes);
    this.#letGo(bytes);
  }

  /** Stops charging bytes that have been read and will not be read again. */
  #letGo(length: number): void {
    this.#queuedBytes -= length;
    const bytes = Math.min(length, this.#chargedBytes);
    this.#chargedBytes -= bytes;
    this.#budget.give(bytes);
  }

  #ended(): void {
    this.#sourceEnded = true;
    this.#reader?.wake();
    this.#onProgress();
  }

  #closed(): void {
    if (this.#sourceEnded || this.#broken) return;
    this.#broken = true;
    this.#reader?.destroy(new Error('The caller disconnected before its request was complete'));
    this.#onProgress();
  }

  /** What follows at this place, which moves on; `null` at the end, `undefined` if it has not arrived yet. */
  #next(place: Place): Buffer | null | undefined {
    if (place.offset === this.#chunks[place.index]?.length && place.index + 1 < this.#chunks.length) {
      place.index += 1;
      place.offset = 0;
    }
    const { index, offset } = place;
    const chunk = this.#chunks[index];
    if (chunk === undefined || offset === chunk.length) {
      if (this.#sourceEnded) return null;
      this.#source.resume();
      return undefined;
    }
    if (this.#state === 'streaming') this.#cut(chunk.length);
    else place.offset = chunk.length;
    return offset === 0 ? chunk : chunk.subarray(offset);
  }
}

/** Memory for small pieces; that before `from` has been read and will not be read again. */
interface Page {
  readonly bytes: Buffer;
  from: number;
  used: number;
}

/** Where a body is read: a piece, and how much of it has been read; more may be joined to the last one. */
interface Place {
  index: number;
  offset: number;
}

const START: Readonly<Place> = { index: 0, offset: 0 };

/** A piece of a larger read would keep all of that in memory. */
function isMostOfItsMemory(chunk: Buffer): boolean {
  return 2 * chunk.length >= chunk.buffer.byteLength;
}

/** A body that arrived together with the head of its request. */
export class WholeBody implements Replayable {
  readonly #body: Buffer;
  readonly #budget: ReplayBudget;
  replayable: boolean;

  constructor(body: Buffer, budget: ReplayBudget) {
    this.#body = body;
    this.#budget = budget;
    this.replayable = budget.take(body.length);
  }

  get bytes(): number {
    return this.#body.length;
  }

  open(): Buffer {
    return this.#body;
  }

  stopKeeping(): void {
    if (this.replayable) this.#budget.give(this.#body.length);
    this.replayable = false;
  }

  release(): void {
    this.stopKeeping();
  }
}

/** Waits for a chunked body to complete. */
export async function wholeBody(body: KeptBody, bytesMax: number): Promise<CallBody> {
  switch (await body.whole(bytesMax)) {
    case 'whole':
      return body.bytes === 0 ? { kind: 'none' } : { kind: 'kept', body };
    case 'too_large':
      body.release();
      return tooLarge(bytesMax);
    case 'no_memory':
      body.release();
      return NO_MEMORY;
    case 'client_closed':
      body.release();
      return { kind: 'client_closed' };
  }
}

function tooLarge(bytesMax: number): CallBody {
  return {
    kind: 'refused',
    reason: 'body_too_large',
    message: `a body without a Content-Length may have ${bytesMax} bytes (WECHAT_SIDECAR_REPLAY_BODY_LIMIT); send one with a Content-Length`,
  };
}

export const NO_MEMORY: CallBody = {
  kind: 'refused',
  reason: 'overloaded',
  message: 'no memory is left to keep a body without a Content-Length (WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT)',
};

/** One read of a body. A body that is not kept is always read at its start. */
class BodyReader extends Readable {
  readonly #pieceAt: (place: Place) => Buffer | null | undefined;
  readonly place: Place = { ...START };
  #hungry = false;
  #attached = true;

  constructor(pieceAt: (place: Place) => Buffer | null | undefined) {
    super();
    this.#pieceAt = pieceAt;
  }

  rewind(): void {
    this.place.index = 0;
    this.place.offset = 0;
  }

  detach(): void {
    this.#attached = false;
  }

  wake(): void {
    if (this.#hungry) this._read();
  }

  override _read(): void {
    this.#hungry = true;
    while (this.#hungry && this.#attached) {
      const piece = this.#pieceAt(this.place);
      if (piece === undefined) return;
      if (!this.push(piece) || piece === null) this.#hungry = false;
    }
  }
}

/** After an early response, up to this much of the body is read and discarded; then the connection is closed. */
const DISCARD_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Reads the rest of a request after its response, so that a caller that is still writing can read the response and
 * reuse the connection.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES_MAX) request.destroy();
  });
  request.resume();
}
