import { StringDecoder } from 'node:string_decoder';

/** One server-sent event. Source: the HTML standard, section 9.2.6. */
export interface ServerEvent {
  /** `message` where the stream names none. */
  readonly type: string;
  readonly data: string;
}

/** Far more than a token takes. */
const EVENT_CHARS_MAX = 16 * 1024;

/** Reads a stream of server-sent events from its pieces. Comments, which are heartbeats, give no event. */
export class EventReader {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #type = '';
  #data: string[] = [];
  #chars = 0;

  /** The events that this piece completes; `undefined` once an event is too long: the stream is to be ended. */
  push(piece: Buffer): ServerEvent[] | undefined {
    this.#rest += this.#decoder.write(piece);
    const events: ServerEvent[] = [];
    for (let line = this.#takeLine(); line !== undefined; line = this.#takeLine()) {
      const event = this.#read(line);
      if (event !== undefined) events.push(event);
      if (this.#chars > EVENT_CHARS_MAX) return undefined;
    }
    return this.#rest.length > EVENT_CHARS_MAX ? undefined : events;
  }

  #takeLine(): string | undefined {
    const end = this.#rest.search(/[\r\n]/);
    if (end === -1) return undefined;
    // A CR that ends this piece may be half of a line's end.
    if (this.#rest[end] === '\r' && end === this.#rest.length - 1) return undefined;
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + (this.#rest.startsWith('\r\n', end) ? 2 : 1));
    return line;
  }

  #read(line: string): ServerEvent | undefined {
    if (line === '') return this.#finish();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#type = value;
    if (field === 'data') {
      this.#data.push(value);
      // With the end of its line: lines without a character take memory too.
      this.#chars += value.length + 1;
    }
    return undefined;
  }

  #finish(): ServerEvent | undefined {
    const event = { type: this.#type || 'message', data: this.#data.join('\n') };
    const isEmpty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    this.#chars = 0;
    return isEmpty ? undefined : event;
  }
}
