import { BODY, EMPTY, framed, response, type Row, STREAM, WHOLE, FIN, RST } from './odd-row.ts';

const STREAM_HEAD = `Content-Length: ${STREAM.length * 2}\r\n`;
const WHOLE_STREAM = { status: 200, body: STREAM } as const;
const HELD = 'they are held until they are whole';

const broken = (name: string, ...sends: Row['sends']): Row => ({
  name,
  sends,
  right: 'upstream_broken',
  after: 'closed',
});
const unheard = (name: string, ...sends: Row['sends']): Row => ({
  ...broken(name, ...sends),
  diesUnheard: true,
});

/** How connections end, what comes after a response or too slowly, and responses to requests that are not whole. */
export const ODD_ENDINGS: readonly Row[] = [
  unheard('a reset in place of a response', RST),
  unheard('the end in place of a response', FIN),
  broken('a reset after the first byte', 'H', 20, RST),
  broken('a reset within the head', 'HTTP/1.1 200 OK\r\nX: ', 20, RST),
  broken('the end within the head', 'HTTP/1.1 200 OK\r\nX: ', FIN),
  broken('a reset after the head', framed('Content-Length: 27\r\n', ''), 20, RST),
  broken('the end after the head', framed('Content-Length: 27\r\n', ''), FIN),
  broken('a reset within the body', framed('Content-Length: 27\r\n', BODY.slice(0, 9)), 20, RST),
  broken('a reset within a body that ends with its connection', framed('', BODY.slice(0, 9)), 150, RST),
  {
    name: 'a reset within a streamed body',
    sends: [framed(STREAM_HEAD, STREAM), 20, RST],
    right: 'cut',
    after: 'closed',
    own: { right: 'upstream_broken', why: HELD },
  },
  {
    name: 'the end within a streamed body',
    sends: [framed(STREAM_HEAD, STREAM), 20, FIN],
    right: 'cut',
    after: 'closed',
    own: { right: 'upstream_broken', why: HELD },
  },
  {
    name: 'the end of a streamed body without a length',
    sends: [framed('', STREAM), 20, FIN],
    right: WHOLE_STREAM,
    after: 'closed',
  },
  { name: 'the end after the end of the body', sends: [response(), FIN], right: WHOLE, after: 'closed' },
  { name: 'a reset after the end of the body', sends: [response(), 5, RST], right: WHOLE, after: 'closed' },
  { name: 'bytes some time after the end', sends: [response(), 30, 'extra'], right: WHOLE, after: 'closed' },
  {
    name: 'a second response',
    sends: [response() + response('X: 2\r\n', '{"errcode":-1}')],
    right: WHOLE,
    after: 'closed',
  },
  {
    name: 'an empty line after the end',
    sends: [`${response()}\r\n`],
    right: WHOLE,
    after: 'closed',
    passing: { after: 'kept', why: "Node's parser skips it" },
  },
  {
    name: 'Connection: close on a connection that stays',
    sends: [response('Connection: close\r\n')],
    right: WHOLE,
    after: 'closed',
  },
  {
    name: 'Connection: X-A, Close',
    sends: [response('Connection: X-A, Close\r\n')],
    right: WHOLE,
    after: 'closed',
  },
  { name: 'Connection: x-close', sends: [response('Connection: x-close\r\n')], right: WHOLE, after: 'kept' },
  {
    name: 'Keep-Alive: timeout=1',
    sends: [response('Keep-Alive: timeout=1\r\n')],
    right: WHOLE,
    after: 'kept',
    passing: { after: 'closed', why: "Node's agent lets go of connections a second before their time" },
  },

  {
    name: 'a slow head',
    sends: response()
      .slice(0, 25)
      .split('')
      .flatMap((byte) => [byte, 1])
      .concat(response().slice(25)),
    right: WHOLE,
    after: 'kept',
  },
  {
    name: 'a slow body',
    sends: [framed('Content-Length: 27\r\n', ''), ...BODY.split('').flatMap((byte) => [1, byte])],
    right: WHOLE,
    after: 'kept',
  },
  {
    name: 'a pause within the head',
    sends: ['HTTP/1.1 200 OK\r\n', 200, response().slice(17)],
    right: WHOLE,
    after: 'kept',
  },
  { name: 'silence', sends: [], right: 'upstream_timeout', after: 'closed', isLate: true },
  {
    name: 'silence within the head',
    sends: ['HTTP/1.1 200 OK\r\nX: '],
    right: 'upstream_timeout',
    after: 'closed',
    isLate: true,
  },
  {
    name: 'a head that never comes to its end',
    sends: ['HTTP/1.1 200 OK\r\nX: ', ...Array.from({ length: 400 }, () => [1, 'x']).flat()],
    right: 'upstream_timeout',
    after: 'closed',
    isLate: true,
  },
  {
    name: 'silence after the head',
    sends: [framed('Content-Length: 27\r\n', '')],
    right: 'upstream_timeout',
    after: 'closed',
    isLate: true,
  },
  {
    name: 'silence within a streamed body',
    sends: [framed(STREAM_HEAD, STREAM)],
    right: 'cut',
    after: 'closed',
    own: { right: 'upstream_timeout', why: HELD },
    isLate: true,
  },

  {
    name: 'a response to half an upload',
    sends: [response()],
    right: WHOLE,
    after: 'closed',
    request: 'upload',
  },
  {
    name: 'a refusal of half an upload',
    sends: [response('', BODY, '413 Too Large')],
    right: { status: 413, body: BODY },
    after: 'closed',
    request: 'upload',
  },
  {
    name: 'a streamed response to half an upload',
    sends: [response('', STREAM)],
    right: WHOLE_STREAM,
    after: 'closed',
    request: 'upload',
  },
  {
    name: 'a response to half an upload that closes',
    sends: [response('Connection: close\r\n'), FIN],
    right: WHOLE,
    after: 'closed',
    request: 'upload',
  },
  {
    name: 'a response by HTTP/1.0 to half an upload',
    sends: [`HTTP/1.0 200 OK\r\n\r\n${BODY}`, FIN],
    right: WHOLE,
    after: 'closed',
    request: 'upload',
  },
  {
    name: 'an empty response to half an upload',
    sends: [response('Connection: close\r\n', '')],
    right: EMPTY,
    after: 'closed',
    request: 'upload',
  },
  {
    name: 'a response to half an upload, and a reset',
    sends: [response('Connection: close\r\n'), 20, RST],
    right: WHOLE,
    after: 'closed',
    request: 'upload',
  },
  { ...broken('a reset within an upload', RST), request: 'upload' },
  { ...broken('the end within an upload', FIN), request: 'upload' },
];
