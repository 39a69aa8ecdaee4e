import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BoundedBytes } from '../base/bounded-bytes.ts';

export interface ReceivedBody {
  readonly lengthBytes: number;
  /** In hex; covers every byte, including those that were not kept. */
  readonly sha256: string;
  /** Absent if the body was too long to be kept. */
  readonly bytes?: Buffer;
}

const NOTHING = Buffer.alloc(0);
const EMPTY_BODY: ReceivedBody = {
  lengthBytes: 0,
  sha256: createHash('sha256').digest('hex'),
  bytes: NOTHING,
};

function hasBody(req: IncomingMessage): boolean {
  const length = req.headers['content-length'];
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * Reads a body to its end. Of a body over `keepBytesMax` only length and hash are kept, so that an upload
 * of any size costs no memory. Returns `undefined` if the caller disconnected before the end.
 */
export function readBody(req: IncomingMessage, keepBytesMax: number): Promise<ReceivedBody | undefined> {
  if (!hasBody(req)) {
    req.resume();
    return Promise.resolve(EMPTY_BODY);
  }
  return new Promise((resolve) => {
    const hash = createHash('sha256');
    let kept: BoundedBytes | undefined = new BoundedBytes(keepBytesMax);
    let lengthBytes = 0;
    req.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      lengthBytes += chunk.length;
      if (kept?.push(chunk) === false) kept = undefined;
    });
    req.on('end', () => {
      const sha256 = hash.digest('hex');
      const bytes = kept?.whole();
      resolve({ lengthBytes, sha256, ...(bytes !== undefined && { bytes }) });
    });
    const gone = (): void => resolve(undefined);
    req.on('error', gone);
    req.on('close', gone);
  });
}
