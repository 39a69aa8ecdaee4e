import { readFileSync } from 'node:fs';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What of a document can be compared with code, or with the same document in another language. */
export interface MarkdownDocument {
  readonly path: string;
  readonly text: string;
  /** Levels in their order: `['#', '##', '##']`. */
  readonly levels: readonly string[];
  /** The texts of headings, without marks. */
  readonly headings: readonly string[];
  readonly blocks: readonly { readonly language: string; readonly code: string }[];
  readonly tables: readonly Table[];
}

export function readMarkdown(path: string): MarkdownDocument {
  const text = readFileSync(path, 'utf8');
  const prose = withoutBlocks(text);
  const titles = [...prose.matchAll(/^(#+) (.+)$/gm)];
  return {
    path,
    text,
    levels: titles.map(([, marks = '']) => marks),
    headings: titles.map(([, , title = '']) => title.trim()),
    blocks: [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', code = '']) => ({
      language,
      code,
    })),
    tables: tablesIn(prose),
  };
}

/** The table between `<!-- name -->` and `<!-- /name -->`. */
export function markedTable({ path, text }: MarkdownDocument, name: string): Table {
  const [, marked] = new RegExp(`<!-- ${name} -->([^]*?)<!-- /${name} -->`).exec(text) ?? [];
  const [table] = marked === undefined ? [] : tablesIn(marked);
  if (table === undefined) throw new Error(`${path} has no table between <!-- ${name} --> marks`);
  return table;
}

/** All tables below a heading of any level, to the next heading of that level or a higher one. */
export function tablesBelow({ path, text }: MarkdownDocument, heading: string): readonly Table[] {
  const prose = withoutBlocks(text);
  const begin = new RegExp(`^(#+) ${heading}$`, 'm').exec(prose);
  if (begin === null) throw new Error(`${path} has no heading "${heading}"`);
  const rest = prose.slice(begin.index + begin[0].length);
  const end = new RegExp(`^#{1,${begin[1]?.length}} `, 'm').exec(rest);
  return tablesIn(end === null ? rest : rest.slice(0, end.index));
}

/** The code spans of a cell: `` `a`, `b` `` gives `['a', 'b']`. */
export function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll('\\|', '|'));
}

export function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '');
}

function tablesIn(text: string): Table[] {
  return [...text.matchAll(/^\|.*\|\n\|(?: *:?-+:? *\|)+\n(?:\|.*\|\n?)*/gm)].map(([table]) => {
    const [head = [], , ...rows] = table.trim().split('\n').map(cellsOf);
    return { head, rows };
  });
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}
