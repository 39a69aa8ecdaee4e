import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { compilePathPattern } from '../wechat/path-pattern.ts';
import type { ReceivedBody } from './body.ts';

/** One received request, for tests that check what the program under test really sent. */
export interface Arrival {
  /** Counts up from 1 over all requests. */
  readonly seq: number;
  readonly atMs: number;
  readonly method: string;
  /** The request target, byte for byte. */
  readonly url: string;
  readonly path: string;
  readonly httpVersion: string;
  /** Names and values alternate, in their original order and case. */
  readonly rawHeaders: readonly string[];
  rawTrailers: readonly string[];
  /** Requests with the same number came over the same connection. */
  readonly connection: number;
  readonly encrypted: boolean;
  readonly remoteAddress: string;
  /** The account whose token or AppSecret the call carried, if it is known. */
  appid?: string;
  /** Of the access_token in the query, even if the platform does not know it. */
  tokenFingerprint?: string;
  body?: { readonly lengthBytes: number; readonly sha256: string; readonly text?: string };
  /** `open`: not answered yet; `left`: the caller closed first; `cut`: we closed it because of a rule. */
  outcome: 'open' | 'answered' | 'left' | 'cut';
  status?: number;
  errcode?: number;
}

export interface PathCounters {
  calls: number;
  /** Responses by errcode, without those that have none or 0. */
  errcodes: Record<string, number>;
}

export const ARRIVALS_MAX = 1_000;
const TEXT_BYTES_MAX = 4_096;
export const PATHS_MAX = 1_000;
export const PATH_CHARS_MAX = 256;
const OTHER_PATHS = 'other';

/** The last requests, and counts of all requests. */
export class Arrivals {
  #seq = 0;
  #connections = 0;
  #list: Arrival[] = [];
  #paths = new Map<string, PathCounters>();
  #byConnection = new WeakMap<Socket, number>();
  #waiting = new Set<() => void>();

  note(req: IncomingMessage, path: string, encrypted: boolean, nowMs: number): Arrival {
    this.#seq += 1;
    const arrival: Arrival = {
      seq: this.#seq,
      atMs: nowMs,
      method: req.method ?? '',
      url: req.url ?? '',
      path,
      httpVersion: req.httpVersion,
      rawHeaders: req.rawHeaders,
      rawTrailers: [],
      connection: this.#connectionOf(req.socket),
      encrypted,
      remoteAddress: req.socket.remoteAddress ?? '',
      outcome: 'open',
    };
    this.#list.push(arrival);
    // Trimmed in batches: removing the first item of a long array each time would be slow.
    if (this.#list.length >= ARRIVALS_MAX * 2) this.#list = this.#list.slice(-ARRIVALS_MAX);
    this.#counts(path).calls += 1;
    for (const check of this.#waiting) check();
    return arrival;
  }

  took(arrival: Arrival, body: ReceivedBody, req: IncomingMessage): void {
    const { lengthBytes, sha256, bytes } = body;
    const text = lengthBytes <= TEXT_BYTES_MAX ? bytes?.toString() : undefined;
    arrival.body = { lengthBytes, sha256, ...(text !== undefined && { text }) };
    if (req.rawTrailers.length > 0) arrival.rawTrailers = req.rawTrailers;
  }

  answered(arrival: Arrival, status: number, errcode: number | undefined): void {
    arrival.status = status;
    if (errcode === undefined) return;
    arrival.errcode = errcode;
    if (errcode === 0) return;
    const { errcodes } = this.#counts(arrival.path);
    errcodes[errcode] = (errcodes[errcode] ?? 0) + 1;
  }

  /** The latest requests to paths that match a pattern, oldest first. */
  list(path = '*'): readonly Arrival[] {
    const matches = compilePathPattern(path);
    return this.#list.slice(-ARRIVALS_MAX).filter((arrival) => matches(arrival.path));
  }

  /** Resolves when `count` of the listed requests match. */
  until(count: number, path = '*'): Promise<readonly Arrival[]> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.list(path);
        if (found.length < count) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  paths(): Readonly<Record<string, PathCounters>> {
    return Object.fromEntries(this.#paths);
  }

  /** Forgets the requests and the counts. */
  clear(): void {
    this.#list = [];
    this.#paths.clear();
  }

  #counts(path: string): PathCounters {
    const hasRoom = this.#paths.size < PATHS_MAX && path.length <= PATH_CHARS_MAX;
    const key = this.#paths.has(path) || hasRoom ? path : OTHER_PATHS;
    let counts = this.#paths.get(key);
    if (counts === undefined) {
      counts = { calls: 0, errcodes: {} };
      this.#paths.set(key, counts);
    }
    return counts;
  }

  #connectionOf(socket: Socket): number {
    let number = this.#byConnection.get(socket);
    if (number === undefined) {
      this.#connections += 1;
      number = this.#connections;
      this.#byConnection.set(socket, number);
    }
    return number;
  }
}
