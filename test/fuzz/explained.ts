import type { Reading } from './readings.ts';
import type { Sent } from './odd-bytes.ts';

/** Where our parser and Node's may differ about what both accept, and why. */
export interface Explained {
  readonly part: keyof Reading;
  readonly why: string;
  readonly applies: (sent: string, ours: Reading, node: Reading, method: Sent['method']) => boolean;
}

const has = (reading: Reading, name: string): boolean =>
  reading.headers.some((header, at) => at % 2 === 0 && header.toLowerCase() === name);

export const EXPLAINED: readonly Explained[] = [
  {
    part: 'headers',
    why: 'A 204 has no length: RFC 9110, section 8.6. Ours is left out, so that nobody waits for a body.',
    applies: (_, ours, node) =>
      ours.status === 204 && has(node, 'content-length') && !has(ours, 'content-length'),
  },
  {
    part: 'isKept',
    why: 'HTTP/1.0 has no chunks: whoever sends them anyway is not trusted with another request.',
    applies: (sent, ours, node) => /HTTP\/1\.0/.test(sent) && has(node, 'transfer-encoding') && !ours.isKept,
  },
  {
    part: 'isKept',
    why: 'Bytes after the end of a response end its connection; Node reads on, and the agent of ours ends it when it is idle.',
    applies: (_, ours, node) => ours.hasMore === true && !ours.isKept && node.isKept,
  },
  {
    part: 'isKept',
    why: 'A response to HEAD has no body, whatever its headers say, so that it need not end with its connection.',
    applies: (_, ours, node, method) =>
      method === 'HEAD' && ours.isKept && !node.isKept && !has(ours, 'content-length'),
  },
  {
    part: 'body',
    why: "A tab around a value is white space; Node's parser takes it for a part of `chunked`.",
    applies: (sent) => /transfer-encoding:[^\n]*\t/i.test(sent),
  },
  {
    part: 'isKept',
    why: "A tab around a value is white space; Node's parser takes it for a part of `close`.",
    applies: (sent) => /(?:connection|transfer-encoding):[^\n]*\t/i.test(sent),
  },
];
