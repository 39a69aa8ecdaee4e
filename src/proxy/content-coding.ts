import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { JUDGED_BYTES_MAX } from '../wechat/verdict.ts';

const OPTIONS = { maxOutputLength: JUDGED_BYTES_MAX };

const DECODERS = new Map<string, (body: Buffer) => Buffer>([
  ['gzip', (body) => gunzipSync(body, OPTIONS)],
  ['x-gzip', (body) => gunzipSync(body, OPTIONS)],
  ['deflate', inflateEither],
  ['br', (body) => brotliDecompressSync(body, OPTIONS)],
]);

/** The codings of an answer that can be judged. */
export const READABLE_CODINGS: ReadonlySet<string> = new Set(DECODERS.keys());

/**
 * The plain bytes of a small answer body; `undefined` where it cannot be judged: an unknown coding,
 * broken data, or more than 4 KiB.
 */
export function decoded(body: Buffer, coding: string | undefined): Buffer | undefined {
  const name = (coding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  try {
    return DECODERS.get(name)?.(body);
  } catch {
    return undefined;
  }
}

/** `deflate` means zlib, but some servers send the raw form. */
function inflateEither(body: Buffer): Buffer {
  try {
    return inflateSync(body, OPTIONS);
  } catch {
    return inflateRawSync(body, OPTIONS);
  }
}
