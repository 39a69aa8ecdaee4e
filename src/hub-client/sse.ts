import { StringDecoder } from 'node:string_decoder';

/** One server-sent event. Source: the HTML standard, section 9.2.6. */
export interface ServerEvent {
  /** `message` if the stream names none. */
  readonly type: string;
  readonly data: string;
}

/** Far more than a token needs. */
const EVENT_CHARS_MAX = 16 * 1024;

/** Parses a stream of server-sent events chunk by chunk. Comments, which are heartbeats, produce no event. */
export class EventReader {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #type = '';
  #data: string[] = [];
  #chars = 0;

  /** Returns the events that this chunk completes; `undefined` if an event is too long: then end the stream. */
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
    // A CR at the end of this chunk may be half of a CRLF.
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
      // Includes the line end: empty lines use memory too.
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
