import type { Readable } from 'node:stream';

/** Collects the chunks of a body, up to a limit. */
export class BoundedBytes {
  readonly #bytesMax: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Returns whether the body is still within the limit. The chunk that exceeds it is not kept. */
  push(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) return false;
    this.#chunks.push(chunk);
    return true;
  }

  /** What was kept, in one piece. */
  whole(): Buffer {
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
  }
}

/**
 * Reads a stream to its end. Returns undefined if it has more than `bytesMax`, and then leaves the rest unread and the
 * stream open: destroying a request would close its connection before the response. Rejects if the stream fails.
 */
export async function readAtMost(stream: Readable, bytesMax: number): Promise<Buffer | undefined> {
  const bytes = new BoundedBytes(bytesMax);
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (!bytes.push(chunk)) return undefined;
  }
  return bytes.whole();
}
