import { trimmed } from '../base/trimmed.ts';

/** The head of a final response, and the length of its body. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** A flat list of names and values, in order, as Latin-1. */
  readonly headers: readonly string[];
  /** Whether the connection may carry another request afterwards. */
  readonly keepAlive: boolean;
  /** How long the server keeps an idle connection, from `Keep-Alive: timeout=…`. */
  readonly keepAliveMs: number | undefined;
  /** Derived data, reused for the next response with the same head. */
  derived: unknown;
  /** An earlier head that differs in the length of the body alone. */
  readonly like: ResponseHead | undefined;
}

/** Not a valid response; the code holds no part of it. */
export class ResponseError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`Cannot read a response: ${code}`);
    this.code = code;
  }
}

/** The length of the body, or one of the two below. */
type Framing = number;
export const CHUNKED = -1;
/** The body ends with the connection. */
export const CLOSE = -2;

export interface ParsedHead extends ResponseHead {
  readonly framing: Framing;
}

const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;

/** Status line and headers, including the empty line. Throws a `ResponseError`. */
export function readHead(text: string): ParsedHead {
  const end = text.indexOf('\n');
  const statusLine = text.slice(0, text.charCodeAt(end - 1) === CR ? end - 1 : end);
  const [, minor, code, reason = ''] = STATUS_LINE.exec(statusLine) ?? [];
  if (minor === undefined || code === undefined) throw new ResponseError('no_http');
  const headers = readFields(text, end + 1);
  const facts = factsOf(headers);
  const status = Number(code);
  const isPersistent = minor === '0' ? SAYS_KEEP.test(facts.connection) : !SAYS_CLOSE.test(facts.connection);
  const isAmbiguous = facts.codings !== undefined && (facts.lengths !== undefined || minor === '0');
  return {
    status,
    reason,
    headers: isFramedOnce(facts, status) ? headers : framedOnce(headers, facts, status),
    framing: framingOf(facts),
    // A server that frames a message in two ways is not trusted with another one.
    keepAlive: isPersistent && !isAmbiguous,
    keepAliveMs: facts.keepAliveMs,
    derived: undefined,
    like: undefined,
  };
}

const STATUS_LINE = /^HTTP\/1\.(\d) ([1-9]\d\d)(?: (.*))?$/;
const SAYS_CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const SAYS_KEEP = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;

/** Whether the next reader of the headers finds the end of the body where we did. */
function isFramedOnce({ lengths, codings }: Facts, status: number): boolean {
  return lengths === undefined || (lengths.length === 1 && codings === undefined && status !== 204);
}

/** The headers with at most one length: none with a transfer coding, or if there cannot be a body. */
function framedOnce(headers: readonly string[], { lengths, codings }: Facts, status: number): string[] {
  const once = headers.filter(
    (_, at) => (headers[at - (at % 2)] as string).toLowerCase() !== 'content-length',
  );
  if (codings === undefined && status !== 204) once.push('Content-Length', lengths?.[0] as string);
  return once;
}

/** Header or trailer lines from a position, as a flat list. A folded line continues the previous value. */
export function readFields(text: string, from: number): string[] {
  const fields: string[] = [];
  let end = text.indexOf('\n', from);
  for (let start = from; end !== -1; start = end + 1, end = text.indexOf('\n', start)) {
    const lineEnd = text.charCodeAt(end - 1) === CR ? end - 1 : end;
    if (lineEnd <= start) continue;
    const first = text.charCodeAt(start);
    if (first === SPACE || first === TAB) {
      if (fields.length === 0) throw new ResponseError('invalid_head');
      const more = valueOf(text, start, lineEnd);
      const value = fields[fields.length - 1] as string;
      fields[fields.length - 1] = value === '' || more === '' ? value + more : `${value} ${more}`;
      continue;
    }
    const colon = text.indexOf(':', start);
    if (colon === -1 || colon > lineEnd) throw new ResponseError('invalid_head');
    const name = trimmed(text, start, colon);
    if (!TOKEN.test(name)) throw new ResponseError('invalid_head');
    fields.push(name, valueOf(text, colon + 1, lineEnd));
  }
  return fields;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const EACH_NOT_IN_VALUE = new RegExp(NOT_IN_VALUE, 'g');

/** Control characters have no meaning in a value, and cannot be written again. */
function valueOf(text: string, from: number, to: number): string {
  const value = trimmed(text, from, to);
  if (!NOT_IN_VALUE.test(value)) return value;
  // Some readers take these as the end of the line.
  if (value.includes('\0') || value.includes('\r')) throw new ResponseError('invalid_head');
  return value.replaceAll(EACH_NOT_IN_VALUE, '');
}

function listOf(value: string): string[] {
  return value.split(',').map((each) => trimmed(each, 0, each.length));
}

interface Facts {
  lengths: string[] | undefined;
  codings: string[] | undefined;
  connection: string;
  keepAliveMs: number | undefined;
}

function factsOf(headers: readonly string[]): Facts {
  const facts: Facts = { lengths: undefined, codings: undefined, connection: '', keepAliveMs: undefined };
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    // Few names have the length of a framing header.
    if (name.length !== 10 && name.length !== 14 && name.length !== 17) continue;
    const value = headers[at + 1] as string;
    switch (name.toLowerCase()) {
      case 'content-length':
        facts.lengths = [...(facts.lengths ?? []), ...listOf(value)];
        break;
      case 'transfer-encoding':
        facts.codings = [...(facts.codings ?? []), ...listOf(value.toLowerCase())];
        break;
      case 'connection':
        facts.connection = `${facts.connection},${value}`;
        break;
      case 'keep-alive': {
        const seconds = /timeout=(\d{1,6})/i.exec(value)?.[1];
        if (seconds !== undefined) facts.keepAliveMs = Number(seconds) * 1_000;
        break;
      }
    }
  }
  return facts;
}

function framingOf({ lengths, codings }: Facts): Framing {
  if (codings !== undefined) {
    if (codings.indexOf('chunked') !== codings.lastIndexOf('chunked'))
      throw new ResponseError('invalid_framing');
    if (codings.at(-1) === 'chunked') return CHUNKED;
    if (codings.includes('chunked')) throw new ResponseError('invalid_framing');
    return CLOSE;
  }
  const length = lengths?.[0];
  if (length === undefined) return CLOSE;
  if (lengths !== undefined && lengths.length > 1 && lengths.some((each) => each !== length)) {
    throw new ResponseError('conflicting_lengths');
  }
  if (!/^\d{1,15}$/.test(length)) throw new ResponseError('invalid_length');
  return Number(length);
}
