import { yaml } from './yaml.ts';

/** The path from the root of the file to a node in it. */
export type Path = readonly (string | number)[];

/** A settings file, parsed as YAML only: mappings, lists, and scalars as text. */
export interface SettingsFile {
  readonly kind: 'file';
  readonly root: unknown;
  /** `shop.yaml:12` for a node in the tree, or the file path alone. */
  place(path: Path): string;
}

/** The maximum size; a longer file is not a settings file. */
const CHARACTERS_MAX = 1_048_576;
const ERRORS_SHOWN_MAX = 5;

/**
 * Every scalar is read as text (YAML's failsafe schema), so that a secret of digits, or one like `1e10`, does not
 * become a number, and each setting is parsed in one way.
 */
export function readSettingsFile(
  path: string,
  text: string,
): SettingsFile | { kind: 'bad'; problems: readonly string[] } {
  if (text.length > CHARACTERS_MAX) {
    return { kind: 'bad', problems: [`${path}: has more than ${CHARACTERS_MAX} characters`] };
  }
  const { isNode, LineCounter, parseDocument } = yaml();
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

/** Some messages of the parser end with the offending text, which may be a secret. */
function withoutSource(message: string): string {
  return message.replace(/: ".*$/s, '').slice(0, 200);
}
