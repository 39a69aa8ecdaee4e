import { gzipSync } from 'node:zlib';
import {
  BODY,
  CHUNK,
  chunked,
  type Differs,
  EMPTY,
  framed,
  response,
  type Right,
  type Row,
  STREAM,
  STREAM_CHUNK,
  STRICT,
  WHOLE,
  FIN,
} from './odd-row.ts';

const LENGTH = `Content-Length: ${BODY.length}\r\n`;
const GZIPPED: string = gzipSync(BODY).toString('latin1');
/** Its last eight bytes are the checksum and the length. */
const WRONG_CRC = `${GZIPPED.slice(0, -8)}\0\0\0\0${GZIPPED.slice(-4)}`;
const HALF_GZIPPED = GZIPPED.slice(0, -12);
const GZIP = 'Content-Encoding: gzip\r\n';

const ONE_BYTE_CHUNKS = [chunked(''), ...BODY.split('').map((byte) => `1\r\n${byte}\r\n`), '0\r\n\r\n'];

const LENIENT = "http-proxy reads by Node's parser, which takes it";
const BROKEN = { right: 'upstream_broken', after: 'closed', why: STRICT } as const;
const broken = (name: string, ...sends: Row['sends']): Row => ({
  name,
  sends,
  right: 'upstream_broken',
  after: 'closed',
});
const plain = (right: Right): Differs => ({ right, why: 'our own calls read codings' });

/** Lengths, transfer codings, chunks, trailers and content codings. */
export const ODD_FRAMING: readonly Row[] = [
  {
    name: 'HTTP/1.0 with a length',
    sends: [`HTTP/1.0 200 OK\r\n${LENGTH}\r\n${BODY}`],
    right: WHOLE,
    after: 'closed',
  },
  {
    name: 'HTTP/1.0 that ends with its connection',
    sends: [`HTTP/1.0 200 OK\r\n\r\n${BODY}`, 5, FIN],
    right: WHOLE,
    after: 'closed',
  },
  {
    name: 'HTTP/1.0 that is kept',
    sends: [`HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${LENGTH}\r\n${BODY}`],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: 'HTTP/1.0 that would be kept, but ends with its connection',
    sends: [`HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n${BODY}`, 5, FIN],
    right: WHOLE,
    after: 'closed',
  },
  {
    name: 'HTTP/1.0 with chunks',
    sends: [
      `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}0\r\n\r\n`,
    ],
    right: WHOLE,
    after: 'closed',
    passing: { after: 'kept', why: "Node's parser trusts it" },
  },
  {
    name: 'HTTP/1.1 that ends with its connection',
    sends: [framed(''), 5, FIN],
    right: WHOLE,
    after: 'closed',
  },
  { name: 'no length and no body', sends: [framed('', ''), 5, FIN], right: EMPTY, after: 'closed' },
  { name: 'a length of 0', sends: [response('', '')], right: EMPTY, after: 'kept' },

  broken('less than the length', framed('Content-Length: 100\r\n'), 5, FIN),
  { name: 'more than the length', sends: [`${response()}extra`], right: WHOLE, after: 'closed' },
  { name: 'bytes after a length of 0', sends: [`${response('', '')}extra`], right: EMPTY, after: 'closed' },
  {
    name: 'a length twice',
    sends: [framed(LENGTH + LENGTH)],
    right: WHOLE,
    after: 'kept',
    passing: BROKEN,
  },
  broken('two lengths', framed(`${LENGTH}Content-Length: 5\r\n`)),
  {
    name: 'a length twice in one header',
    sends: [framed(`Content-Length: ${BODY.length}, ${BODY.length}\r\n`)],
    right: WHOLE,
    after: 'kept',
    passing: BROKEN,
  },
  broken('two lengths in one header', framed(`Content-Length: ${BODY.length}, 5\r\n`)),
  broken('a negative length', framed('Content-Length: -5\r\n')),
  broken('a length with a sign', framed(`Content-Length: +${BODY.length}\r\n`)),
  broken('a length in hex', framed(`Content-Length: 0x${BODY.length.toString(16)}\r\n`)),
  broken('a length with a fraction', framed(`Content-Length: ${BODY.length}.0\r\n`)),
  broken('a length of words', framed('Content-Length: unknown\r\n')),
  broken('an empty length', framed('Content-Length:\r\n')),
  broken('a length of 20 digits', framed('Content-Length: 99999999999999999999\r\n')),
  {
    name: 'a length of 15 digits',
    sends: [framed('Content-Length: 999999999999999\r\n', STREAM), 5, FIN],
    right: 'cut',
    after: 'closed',
    own: { right: 'upstream_broken', why: 'they are held until they are whole' },
  },
  {
    name: 'a length with zeros before it',
    sends: [framed(`Content-Length: 000${BODY.length}\r\n`)],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: 'a length among spaces',
    sends: [framed(`Content-Length:   ${BODY.length}  \r\n`)],
    right: WHOLE,
    after: 'kept',
  },

  { name: 'chunks', sends: [chunked(`${CHUNK}0\r\n\r\n`)], right: WHOLE, after: 'kept' },
  {
    name: 'chunks of one byte, in pieces',
    sends: ONE_BYTE_CHUNKS.flatMap((piece) => [piece, 1]),
    right: WHOLE,
    after: 'kept',
  },
  {
    name: 'chunks in upper case',
    sends: [
      `HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n${CHUNK.toUpperCase().replace(BODY.toUpperCase(), BODY)}0\r\n\r\n`,
    ],
    right: WHOLE,
    after: 'kept',
  },
  { name: 'no chunks at all', sends: [chunked('0\r\n\r\n')], right: EMPTY, after: 'kept' },
  {
    name: 'chunks and a length',
    sends: [chunked(`${CHUNK}0\r\n\r\n`, 'Content-Length: 5\r\n')],
    right: WHOLE,
    after: 'closed',
    passing: BROKEN,
  },
  {
    name: 'gzip, chunked',
    sends: [`HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${CHUNK}0\r\n\r\n`],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: 'chunked, gzip',
    sends: [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n${CHUNK}0\r\n\r\n`],
    right: 'upstream_broken',
    after: 'closed',
    passing: { right: 'cut', why: `${LENIENT} to the end of the connection` },
    isLate: true,
  },
  {
    name: 'the transfer coding identity',
    sends: [framed('Transfer-Encoding: identity\r\n'), 5, FIN],
    right: WHOLE,
    after: 'closed',
  },
  {
    name: 'chunked, chunked',
    sends: [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n${CHUNK}0\r\n\r\n`],
    right: 'upstream_broken',
    after: 'closed',
    passing: { right: WHOLE, after: 'kept', why: LENIENT },
  },
  {
    name: 'chunked in two headers',
    sends: [chunked(`${CHUNK}0\r\n\r\n`, 'Transfer-Encoding: chunked\r\n')],
    right: 'upstream_broken',
    after: 'closed',
    passing: { right: WHOLE, after: 'kept', why: LENIENT },
  },
  {
    name: 'chunk extensions',
    sends: [chunked(`${CHUNK.replace('\r\n', ';a=b;c="d"\r\n')}0;x\r\n\r\n`)],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: 'chunk sizes with zeros before them',
    sends: [chunked(`000${CHUNK}000\r\n\r\n`)],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: 'chunk sizes with spaces behind them',
    sends: [chunked(`${CHUNK.replace('\r\n', '  \r\n')}0  \r\n\r\n`)],
    right: WHOLE,
    after: 'kept',
    passing: BROKEN,
  },
  {
    name: 'chunks with LF alone',
    sends: [chunked(`${CHUNK}0\r\n\r\n`.replaceAll('\r\n', '\n'))],
    right: WHOLE,
    after: 'kept',
    passing: BROKEN,
  },
  broken('a chunk size that is none', chunked(`xyz\r\n${BODY}\r\n0\r\n\r\n`)),
  broken('a negative chunk size', chunked(`-1\r\n${BODY}\r\n0\r\n\r\n`)),
  broken('an empty chunk size', chunked(`\r\n${BODY}\r\n0\r\n\r\n`)),
  broken('a chunk size in hex with 0x', chunked(`0x${CHUNK}0\r\n\r\n`)),
  broken('a chunk size of 17 digits', chunked(`11111111111111111\r\n${BODY}`)),
  broken('a chunk size with extensions without end', chunked(`5;${'x'.repeat(20_000)}`)),
  broken('a chunk longer than its size', chunked(`2\r\n${BODY}\r\n0\r\n\r\n`)),
  broken('a chunk without CRLF behind it', chunked(`${CHUNK.slice(0, -2)}0\r\n\r\n`)),
  broken('a chunk that is cut off', chunked(CHUNK.slice(0, -9)), 5, FIN),
  broken('chunks without the last', chunked(CHUNK), 5, FIN),
  broken('a last chunk without the empty line', chunked(`${CHUNK}0\r\n`), 5, FIN),
  {
    name: 'a streamed chunk that is followed by none',
    sends: [chunked(`${STREAM_CHUNK}zzz\r\n`)],
    right: 'cut',
    after: 'closed',
    passing: { right: 'upstream_broken', why: "Node's parser tells of it before the body" },
    own: { right: 'upstream_broken', why: 'they are held until they are whole' },
  },
  {
    name: 'trailers',
    sends: [chunked(`${STREAM_CHUNK}0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n`, 'Trailer: X-Sum\r\n')],
    right: { status: 200, body: STREAM, trailers: ['X-Sum', '1', 'x-sum', '2'] },
    after: 'kept',
  },
  {
    name: 'trailers of a small response',
    sends: [chunked(`${CHUNK}0\r\nX-Sum: 1\r\n\r\n`)],
    right: WHOLE,
    after: 'kept',
  },
  broken('trailers over 64 KiB', chunked(`${CHUNK}0\r\nX-Sum: ${'x'.repeat(70_000)}\r\n\r\n`)),
  broken('a trailer without a colon', chunked(`${CHUNK}0\r\nNonsense\r\n\r\n`)),

  {
    name: 'gzip',
    sends: [response(GZIP, GZIPPED)],
    right: { status: 200, body: GZIPPED, headers: ['Content-Encoding', 'gzip'] },
    after: 'kept',
    own: plain(WHOLE),
  },
  {
    name: 'gzip in chunks',
    sends: [chunked(`${GZIPPED.length.toString(16)}\r\n${GZIPPED}\r\n0\r\n\r\n`, GZIP)],
    right: { status: 200, body: GZIPPED },
    after: 'kept',
    own: plain(WHOLE),
  },
  { name: 'gzip that is none', sends: [response(GZIP)], right: WHOLE, after: 'kept' },
  {
    name: 'gzip with a wrong checksum',
    sends: [response(GZIP, WRONG_CRC)],
    right: { status: 200, body: WRONG_CRC },
    after: 'kept',
  },
  {
    name: 'gzip that ends early',
    sends: [response(GZIP, HALF_GZIPPED)],
    right: { status: 200, body: HALF_GZIPPED },
    after: 'kept',
  },
  {
    name: 'a coding that is none',
    sends: [response('Content-Encoding: utf-8\r\n')],
    right: WHOLE,
    after: 'kept',
  },

  {
    name: '204',
    sends: ['HTTP/1.1 204 No Content\r\n\r\n'],
    right: { status: 204, body: '' },
    after: 'kept',
  },
  {
    name: '204 with a body',
    sends: [response('', BODY, '204 No Content')],
    right: { status: 204, body: '' },
    after: 'closed',
  },
  {
    name: '304 with the length of what was not sent',
    sends: ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    right: { status: 304, body: '' },
    after: 'kept',
  },
  {
    name: '304 with a body',
    sends: [response('', BODY, '304 Not Modified')],
    right: { status: 304, body: '' },
    after: 'closed',
  },
  { name: 'a length to HEAD', sends: [framed(LENGTH, '')], right: EMPTY, after: 'kept', request: 'HEAD' },
  { name: 'chunks to HEAD', sends: [chunked('')], right: EMPTY, after: 'kept', request: 'HEAD' },
  { name: 'a body to HEAD', sends: [response()], right: EMPTY, after: 'closed', request: 'HEAD' },
];
