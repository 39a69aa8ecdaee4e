import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { readObject } from '../wechat/answer-body.ts';

type Decoder = (body: Buffer, bytesMax: number) => Buffer;

const DECODERS = new Map<string, Decoder>([
  ['gzip', (body, maxOutputLength) => gunzipSync(body, { maxOutputLength })],
  ['x-gzip', (body, maxOutputLength) => gunzipSync(body, { maxOutputLength })],
  ['deflate', inflateEither],
  ['br', (body, maxOutputLength) => brotliDecompressSync(body, { maxOutputLength })],
]);

/** The codings of a response that can be decoded. */
export const READABLE_CODINGS: ReadonlySet<string> = new Set(DECODERS.keys());

/** No server encodes more than twice; a header with thousands would cost as many attempts. */
const CODINGS_MAX = 4;

/**
 * The codings that a response declares for its body, in the order of application, as far as they can be decoded. The
 * header is only a claim: forwarders write values into it that are no coding (`utf-8`, `none`).
 */
export function codingsOf(headers: readonly string[]): string[] {
  const codings: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    if (name.length !== 16 || name.toLowerCase() !== 'content-encoding') continue;
    for (const word of (headers[at + 1] as string).split(',')) {
      const coding = (word.split(';', 1)[0] as string).trim().toLowerCase();
      if (READABLE_CODINGS.has(coding)) codings.push(coding);
    }
  }
  return codings.slice(-CODINGS_MAX);
}

/**
 * The decoded body. A coding that does not match the bytes is ignored, and so is one that would exceed `bytesMax`: if
 * nothing was decoded, the same buffer is returned.
 */
export function decoded(body: Buffer, codings: readonly string[], bytesMax: number): Buffer {
  if (codings.length === 0) return body;
  let plain = body;
  for (const coding of codings.toReversed()) {
    // Plain text can be valid deflate by accident.
    if (readObject(plain) !== undefined) return plain;
    try {
      plain = DECODERS.get(coding)?.(plain, bytesMax) ?? plain;
    } catch {
      continue;
    }
  }
  return plain;
}

/** `deflate` means zlib, but some servers send the raw form. */
function inflateEither(body: Buffer, maxOutputLength: number): Buffer {
  try {
    return inflateSync(body, { maxOutputLength });
  } catch {
    return inflateRawSync(body, { maxOutputLength });
  }
}
