import type { Origin } from './origins.ts';

/** The header lines of requests that repeat them. What stands around them is kept with them. */
export class WrittenHeaders {
  readonly #lines: string;
  #origin: Origin | undefined;
  #rest = '';

  /** Takes a flat list of names and values, in Latin-1. */
  constructor(headers: readonly string[]) {
    this.#lines = linesOf(headers);
  }

  /** What follows the target in the head of a request to this origin, without the length and the empty line. */
  after(origin: Origin): string {
    if (this.#origin === origin) return this.#rest;
    this.#origin = origin;
    this.#rest = flat(restOf(origin, this.#lines));
    return this.#rest;
  }
}

export function linesOf(headers: readonly string[]): string {
  let lines = '';
  for (let at = 0; at + 1 < headers.length; at += 2) lines += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return lines;
}

/** What stands between the target of a request and its length. */
export function restOf({ host }: Origin, lines: string): string {
  return ` HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n${lines}`;
}

/** The same text in one piece: a text that was joined from many is a tree of them, gone through at each write. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
