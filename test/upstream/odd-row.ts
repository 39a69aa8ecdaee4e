/** What the upstream does in turn: writes Latin-1, waits so many milliseconds, or ends the connection. */
export type Step = string | number | typeof FIN | typeof RST;

export const FIN = { ends: 'FIN' } as const;
export const RST = { ends: 'RST' } as const;

/** What the caller is to receive. */
export type Right =
  | {
      readonly status: number;
      readonly body: string;
      readonly reason?: string;
      /** Among others, in this order. */
      readonly headers?: readonly string[];
      readonly trailers?: readonly string[];
    }
  /** An error of our own. */
  | 'upstream_broken'
  | 'upstream_timeout'
  /** A response that had begun, and whose connection is broken off. */
  | 'cut';

/**
 * How a response reaches somebody: `exchange` is a call that carries our token, `passing` one with a foreign
 * token; `relay` is a login call that a hub makes for a sidecar, `ask` what tokens, trials and tickets go by.
 */
export type Way = 'exchange' | 'passing' | 'relay' | 'ask';

export interface Differs {
  readonly right?: Right;
  readonly after?: 'kept' | 'closed';
  readonly why: string;
}

export interface Row {
  readonly name: string;
  readonly sends: readonly Step[];
  readonly right: Right;
  /** Whether the connection carries another request afterwards. */
  readonly after: 'kept' | 'closed';
  /** Where a way differs. `own` is `relay` and `ask`. */
  readonly passing?: Differs;
  readonly own?: Differs;
  readonly ask?: Differs;
  /** The time limit passes when the upstream has done all this. */
  readonly isLate?: boolean;
  /** The request died before any byte of a response: a GET on a reused connection is sent once more. */
  readonly diesUnheard?: boolean;
  /** `HEAD`: in place of GET. `upload`: a POST whose body is not whole until the response is there. `expect`: one that waits for a 100. */
  readonly request?: 'HEAD' | 'upload' | 'expect';
}

export const BODY = '{"errcode":0,"errmsg":"ok"}';
/** A body that is passed on as it comes. */
export const STREAM: string = 'x'.repeat(9_000);

export const WHOLE: Right = { status: 200, body: BODY };
export const EMPTY: Right = { status: 200, body: '' };

/** A response with a body and further header lines, which frame it. */
export function framed(lines: string, body: string = BODY): string {
  return `HTTP/1.1 200 OK\r\n${lines}\r\n${body}`;
}

/** A proper response with further header lines. */
export function response(lines = '', body: string = BODY, status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export function chunked(chunks: string, lines = ''): string {
  return `HTTP/1.1 200 OK\r\n${lines}Transfer-Encoding: chunked\r\n\r\n${chunks}`;
}

export const CHUNK: string = `${BODY.length.toString(16)}\r\n${BODY}\r\n`;
export const STREAM_CHUNK: string = `${STREAM.length.toString(16)}\r\n${STREAM}\r\n`;

/** Why calls that merely pass are read more strictly. */
export const STRICT = "http-proxy reads by Node's parser, which refuses it";
