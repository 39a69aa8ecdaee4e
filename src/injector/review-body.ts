import type { IncomingMessage } from 'node:http';
import { ReviewScan } from './review-scan.ts';
import type { Work } from './work.ts';

/** API servers send objects of at most 3 MiB to a webhook; the rest of the review is small. */
export const BODY_BYTES_MAX: number = 4 * 1024 * 1024;
const FIRST_BYTES = 16 * 1024;
/**
 * Every chunk costs time, however short. The TLS records of an API server have more than a thousand bytes.
 */
const CRUMBS_MAX = 64;
const CRUMB_BYTES = 256;

export type ReviewBody =
  | { readonly kind: 'json'; readonly parsed: unknown }
  | { readonly kind: 'not_a_review' | 'too_many_parts' | 'too_long' };

/**
 * Reads and parses the body of a review. Stops at the first byte that cannot belong to one and leaves the
 * rest unread. Rejects if the client disconnects.
 */
export function readReview(request: IncomingMessage, work: Work): Promise<ReviewBody> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) {
    return Promise.resolve({ kind: 'too_long' });
  }
  const body = new Body(work);
  return new Promise((resolve, reject) => {
    const settle = (result: ReviewBody): void => {
      request.pause();
      request.removeAllListeners('data');
      resolve(result);
    };
    request.on('data', (chunk: Buffer) => {
      const seen = body.push(chunk);
      if (seen !== 'go_on') settle({ kind: seen });
    });
    request.once('end', () => settle(body.parse()));
    request.once('error', reject);
  });
}

class Body {
  readonly #work: Work;
  readonly #scan = new ReviewScan();
  /** One block of memory: many small chunks take more than their content. */
  #buffer: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #crumbs = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  push(chunk: Buffer): 'go_on' | 'not_a_review' | 'too_many_parts' | 'too_long' {
    const bytes = this.#bytes + chunk.length;
    if (bytes > BODY_BYTES_MAX) return 'too_long';
    if (chunk.length < CRUMB_BYTES) this.#crumbs += 1;
    if (this.#crumbs > CRUMBS_MAX) return 'not_a_review';
    const seen = this.#scan.push(chunk);
    if (seen !== 'go_on') return seen;
    if (bytes > this.#buffer.length) this.#grow(bytes);
    chunk.copy(this.#buffer, this.#bytes);
    this.#bytes = bytes;
    return 'go_on';
  }

  parse(): ReviewBody {
    if (!this.#scan.isReview()) return { kind: 'not_a_review' };
    try {
      return { kind: 'json', parsed: JSON.parse(this.#buffer.toString('utf8', 0, this.#bytes)) as unknown };
    } catch {
      return { kind: 'not_a_review' };
    }
  }

  #grow(needed: number): void {
    const size = Math.min(Math.max(needed, 2 * this.#buffer.length, FIRST_BYTES), BODY_BYTES_MAX);
    const next = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(next, 0, 0, this.#bytes);
    this.#buffer = next;
    this.#work.holds(size);
  }
}
