import { headLines } from '../server/plain-response.ts';

/** Our own headers of a response: a flat list of names and values, and the same serialized. */
export class OwnHeaders {
  readonly list: readonly string[];
  #text: string | undefined;

  constructor(list: readonly string[]) {
    this.list = list;
  }

  /** Throws if they cannot be written. */
  get text(): string {
    this.#text ??= headLines(this.list).text;
    return this.#text;
  }
}

/** What the header `x-wechat-sidecar` says of a call. */
export interface About {
  readonly version: string;
  readonly app: string | undefined;
  readonly replay: 0 | 1;
  /** Further parameters, each with a semicolon before it. */
  readonly notes: string;
}

/** Most calls have the same as the one before. */
let last: { readonly about: About; readonly own: OwnHeaders } | undefined;

/** `further`: those that let a web page read the response. */
export function ownHeaders(about: About, further: readonly string[]): OwnHeaders {
  if (further.length === 0 && last !== undefined && isSame(last.about, about)) return last.own;
  const { version, app = '-', replay, notes } = about;
  const own = new OwnHeaders([
    'x-wechat-sidecar',
    `${version}; app=${app}; replay=${replay}${notes}`,
    ...further,
  ]);
  if (further.length === 0) last = { about, own };
  return own;
}

function isSame(one: About, other: About): boolean {
  return (
    one.app === other.app &&
    one.replay === other.replay &&
    one.notes === other.notes &&
    one.version === other.version
  );
}
