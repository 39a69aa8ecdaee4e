import type { SourceFile } from './source-tree.ts';

export interface LogCall {
  readonly path: string;
  /** The first argument, as it is written. */
  readonly written: string;
  /** The events that it can be; none where they come from a caller. */
  readonly events: readonly string[];
}

const CALL = /(?:\.(?:info|warn|error|always)|[lL]og\[[^\]]+\]|\[[^\][\n]+\? '[a-z]+' : '[a-z]+'\])\(/g;
const TEXT = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`/g;

/**
 * Every call that writes a log line above `debug`, with the events it can write. A name in the place of a
 * text is looked up among the constants of the same file, then (in capitals) among those of all files.
 */
export function logCalls(sources: readonly SourceFile[]): LogCall[] {
  const everywhere = new Map(
    sources.flatMap(({ text }) => [...constantsIn(text)]).filter(([name]) => /^[A-Z_]+$/.test(name)),
  );
  return sources.flatMap(({ path, text }) => {
    const here = constantsIn(text);
    return [...text.matchAll(CALL)].map((match): LogCall => {
      const written = firstArgument(text, match.index + match[0].length);
      const names = [...written.replaceAll(TEXT, '').matchAll(/[A-Za-z_]\w+/g)].map(([name]) => name);
      const named = names.flatMap((name) => here.get(name) ?? everywhere.get(name) ?? []);
      return { path, written, events: [...textsIn(written), ...named] };
    });
  });
}

/** What returns its events as objects, such as `{ level: 'warn', event: '…' }`. */
export function returnedEvents(sources: readonly SourceFile[]): string[] {
  return sources.flatMap(({ text }) =>
    [...text.matchAll(/\{ (?:\w+: '\w+', )*event: ('(?:\\.|[^'\\])*')/g)].flatMap(([, literal = '']) =>
      textsIn(literal),
    ),
  );
}

/** Texts, joined by `+` or alone, and records of them. */
const CONSTANT = new RegExp(
  String.raw`\bconst (\w+)(?:: [^=]+)? =\s*(\{[^{}]*\}|(?:${TEXT.source})(?:\s*\+\s*(?:${TEXT.source}))*)`,
  'g',
);

function constantsIn(text: string): Map<string, string[]> {
  return new Map([...text.matchAll(CONSTANT)].map(([, name = '', value = '']) => [name, valueTexts(value)]));
}

const JOINED = new RegExp(String.raw`(?:${TEXT.source})(?:\s*\+\s*(?:${TEXT.source}))*`, 'g');

/** Pieces that are joined by `+` are one text; the members of a record are one each. */
function valueTexts(value: string): string[] {
  return [...value.matchAll(JOINED)].map(([joined]) => textsIn(joined).join(''));
}

function textsIn(code: string): string[] {
  return [...code.matchAll(TEXT)].map(([literal]) =>
    literal
      .slice(1, -1)
      .replaceAll(/\$\{[^}]*\}/g, '…')
      .replaceAll(/\\(.)/g, '$1'),
  );
}

function firstArgument(text: string, start: number): string {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (/['"`]/.test(character)) at = endOfText(text, at);
    else if ('([{'.includes(character)) depth += 1;
    else if (depth === 0 && ',)'.includes(character)) return text.slice(start, at);
    else if (')]}'.includes(character)) depth -= 1;
  }
  return text.slice(start);
}

function endOfText(text: string, start: number): number {
  const quote = text.charAt(start);
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== quote) at += text.charAt(at) === '\\' ? 2 : 1;
  return at;
}
