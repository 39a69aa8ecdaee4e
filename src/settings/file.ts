import { isNode, LineCounter, parseDocument } from 'yaml';

/** The steps from the top of the file to a place in it. */
export type Path = readonly (string | number)[];

/** A settings file, parsed as far as YAML goes: mappings, lists, and texts as they stand in the file. */
export interface SettingsFile {
  readonly kind: 'file';
  readonly root: unknown;
  /** `shop.yaml:12` for a place in the tree, or the path alone. */
  place(path: Path): string;
}

/** The largest settings file; a longer one is no settings file. */
const CHARACTERS_MAX = 1_048_576;
const ERRORS_SHOWN_MAX = 5;

/**
 * Every scalar is taken as text (YAML's failsafe schema), so that a secret of nothing but digits, or
 * one that looks like `1e10`, is not turned into a number, and each setting is read in one way.
 */
export function readSettingsFile(
  path: string,
  text: string,
): SettingsFile | { kind: 'bad'; problems: readonly string[] } {
  if (text.length > CHARACTERS_MAX) {
    return { kind: 'bad', problems: [`${path}: has more than ${CHARACTERS_MAX} characters`] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
  });
  const problems = document.errors.slice(0, ERRORS_SHOWN_MAX).map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return `${path}:${line}:${col}: is not valid YAML: ${withoutSource(error.message)}`;
  });
  if (problems.length > 0) return { kind: 'bad', problems };
  let root: unknown;
  try {
    root = document.toJS({ maxAliasCount: 100 });
  } catch {
    return { kind: 'bad', problems: [`${path}: has an alias without an anchor, or too many aliases`] };
  }
  return {
    kind: 'file',
    root,
    place(at) {
      const node = document.getIn(at, true);
      const offset = isNode(node) ? node.range?.[0] : undefined;
      return offset === undefined ? path : `${path}:${lines.linePos(offset).line}`;
    },
  };
}

/** Some of the parser's messages end with the text that it stumbled over, which may be a secret. */
function withoutSource(message: string): string {
  return message.replace(/: ".*$/s, '').slice(0, 200);
}
