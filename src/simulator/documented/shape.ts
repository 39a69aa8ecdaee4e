/**
 * The shape of a response, in the syntax of the tables in this folder. Members are in the order of the
 * platform's documentation, because a reader of errcodes has to find errcode at any position:
 *
 *     name       a text               name=word   this text
 *     name$      digits in a text     name#7      this number
 *     name#      a number             name?       a boolean
 *     name{…}    an object            name[…]     a list with one object
 *     name[]     an empty list        name[.] name[$] name[#]   a list with one text, digits or number
 *
 * `ok` at the beginning stands for `errcode# errmsg`.
 */
export type Shape =
  | { readonly kind: 'text' | 'digits' | 'number' | 'boolean' }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'list'; readonly item: Shape | undefined }
  | { readonly kind: 'object'; readonly members: readonly Member[] };

export type Member = readonly [name: string, shape: Shape];

const OK: readonly Member[] = [
  ['errcode', { kind: 'number' }],
  ['errmsg', { kind: 'text' }],
];

/** Throws if the text does not have the syntax described above. */
export function readShape(text: string): Shape {
  const isOk = /^ok(?= |$)/.test(text);
  const reader = new Reader(isOk ? text.slice(2) : text);
  const members = reader.members('');
  return { kind: 'object', members: isOk ? [...OK, ...members] : members };
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads up to and including `end`; an empty `end` is the end of the text. */
  members(end: string): Member[] {
    const members: Member[] = [];
    for (;;) {
      this.#take(/ */y);
      if (end === '' ? this.#at === this.#text.length : this.#take(/[}\]]/y) === end) return members;
      const name = this.#take(/\w+/y);
      if (name === '') throw new Error(`Cannot read a shape: at ${this.#at} of ${this.#text}`);
      members.push([name, this.#shape()]);
    }
  }

  #shape(): Shape {
    const mark = this.#take(/[=$#?{[]/y);
    switch (mark) {
      case '=':
        return { kind: 'literal', value: this.#take(/\w+/y) };
      case '$':
        return { kind: 'digits' };
      case '#': {
        const digits = this.#take(/\d+/y);
        return digits === '' ? { kind: 'number' } : { kind: 'literal', value: Number(digits) };
      }
      case '?':
        return { kind: 'boolean' };
      case '{':
        return { kind: 'object', members: this.members('}') };
      case '[':
        return { kind: 'list', item: this.#item() };
      default:
        return { kind: 'text' };
    }
  }

  #item(): Shape | undefined {
    const mark = this.#take(/[.$#]?\]/y);
    if (mark === ']') return undefined;
    if (mark === '') return { kind: 'object', members: this.members(']') };
    return { kind: mark === '.]' ? 'text' : mark === '$]' ? 'digits' : 'number' };
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ''] = pattern.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }
}
