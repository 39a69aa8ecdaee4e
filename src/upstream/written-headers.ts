import { ownBytes } from '../base/own-bytes.ts';
import type { Origin } from './origins.ts';

/** The header lines of requests that repeat them. What stands before them is kept with them, ready to be written. */
export class WrittenHeaders {
  readonly #lines: string;
  #origin: Origin | undefined;
  #rest: Buffer | undefined;

  /** Takes a flat list of names and values, in Latin-1. */
  constructor(headers: readonly string[]) {
    this.#lines = linesOf(headers);
  }

  /** What follows the target of a request to this origin, up to the line that gives its length, if there is one. */
  after(origin: Origin): Buffer {
    if (this.#rest !== undefined && this.#origin === origin) return this.#rest;
    this.#origin = origin;
    this.#rest = restOf(origin, this.#lines);
    return this.#rest;
  }
}

export function linesOf(headers: readonly string[]): string {
  let lines = '';
  for (let at = 0; at + 1 < headers.length; at += 2) lines += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return lines;
}

/** See `WrittenHeaders.after`. */
export function restOf({ host }: Origin, lines: string): Buffer {
  return ownBytes(` HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n${lines}`);
}
