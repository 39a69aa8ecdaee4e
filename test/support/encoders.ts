import fc from 'fast-check';

const hex = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).padStart(digits, '0');

const NAMES: Readonly<Record<string, string>> = {
  _: '&lowbar;',
  '%': '&percnt;',
  '&': '&amp;',
  '"': '&quot;',
};

/** A way to write a character, and those characters that have to be written so. */
export interface Encoder {
  readonly encode: (character: string) => string;
  readonly must: RegExp;
}

export const ENCODERS: Readonly<Record<string, Encoder>> = {
  nothing: { encode: (character) => character, must: /(?!)/ },
  'percent signs, lower case': { encode: (character) => `%${hex(character, 2)}`, must: /%/ },
  'percent signs, upper case': { encode: (character) => `%${hex(character, 2).toUpperCase()}`, must: /%/ },
  "JavaScript's escape()": { encode: (character) => `%u${hex(character, 4)}`, must: /%/ },
  'decimal entities': { encode: (character) => `&#${character.charCodeAt(0)};`, must: /&/ },
  'decimal entities with zeros': { encode: (character) => `&#00${character.charCodeAt(0)};`, must: /&/ },
  'hex entities': { encode: (character) => `&#x${hex(character, 2)};`, must: /&/ },
  'hex entities, upper case': { encode: (character) => `&#X${hex(character, 4).toUpperCase()};`, must: /&/ },
  'named entities': { encode: (character) => NAMES[character] ?? character, must: /[&"]/ },
  JSON: {
    encode: (character) => (/["\\/]/.test(character) ? `\\${character}` : `\\u${hex(character, 4)}`),
    must: /["\\]/,
  },
  JavaScript: { encode: (character) => `\\x${hex(character, 2)}`, must: /["\\]/ },
};

export interface Layer {
  readonly encoder: Encoder;
  /** Which characters are encoded: of all in turn, or of those of a kind. */
  readonly chosen: readonly boolean[];
}

/** Text as it is written once some of its characters were encoded, once for each layer. */
export function written(text: string, layers: readonly Layer[], by: 'place' | 'kind'): string {
  return layers.reduce(
    (before, { encoder: { encode, must }, chosen }) =>
      before
        .split('')
        .map((character, place) => {
          const turn = by === 'place' ? place : character.charCodeAt(0);
          return must.test(character) || chosen[turn % chosen.length] === true
            ? encode(character)
            : character;
        })
        .join(''),
    text,
  );
}

export function layersOf(encoders: readonly Encoder[]): fc.Arbitrary<Layer[]> {
  const layer = fc.record({
    encoder: fc.constantFrom(...encoders),
    chosen: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
  });
  return fc.array(layer, { maxLength: 4 });
}

export const ALL: readonly Encoder[] = Object.values(ENCODERS);

/** Those that know nothing of backslashes. */
export const OF_URLS_AND_PAGES: readonly Encoder[] = ALL.filter(({ must }) => !must.test('\\'));

const LETTERS_OF_NAMES = new Map(Object.entries(NAMES).map(([character, name]) => [name, character]));

/** A text, and what it means as one layer of escapes after the other is taken off. */
export function readingsOf(text: string): string[] {
  const readings = [text];
  for (let layer = 0; layer < 5; layer++) {
    readings.push(
      (readings.at(-1) as string)
        .replaceAll(/&[a-z]+;/g, (name) => LETTERS_OF_NAMES.get(name) ?? name)
        .replaceAll(/&#(\d+);/g, (_, number: string) => String.fromCharCode(Number(number)))
        .replaceAll(/(?:&#x|%u?|\\[ux])([0-9a-f]{4}|[0-9a-f]{2});?/gi, (_, digits: string) =>
          String.fromCharCode(parseInt(digits, 16)),
        ),
    );
  }
  return readings;
}
