import { readFileSync } from 'node:fs';

/** One command of a recipe, as a reader would paste it into a terminal. */
export type Step =
  /** A role: it goes on in a terminal of its own. */
  | { readonly kind: 'role'; readonly role: string; readonly text: string }
  /** Something that later commands of the same terminal go by: a variable, an umask. */
  | { readonly kind: 'state'; readonly text: string }
  | { readonly kind: 'command'; readonly text: string };

export interface Recipe {
  /** `docs/hub.md:41` */
  readonly place: string;
  readonly steps: readonly Step[];
}

/** A file that a document shows whole: its block begins with a comment that is its name. */
export interface ShownFile {
  readonly place: string;
  readonly name: string;
  readonly text: string;
}

const ROLE = /(?:^|\s)wechat-sidecar (proxy|hub|injector|simulator|demo)\b/;
const STATE = /^(?:umask \d+|(?:\w+=(?:"[^"]*"|\S+)\s*)+)$/;

/** What a document tells its reader to do, in its order. */
export function recipesIn(path: string): readonly (Recipe | ShownFile)[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/^```(sh|yaml)\n([^]*?)^```$/gm)].flatMap(
    ({ index, 1: kind, 2: body = '' }): (Recipe | ShownFile)[] => {
      const place = `${path}:${text.slice(0, index).split('\n').length}`;
      if (kind === 'sh') return [{ place, steps: stepsOf(body) }];
      const [, name] = /^# (\S+\.yaml)\n/.exec(body) ?? [];
      return name === undefined ? [] : [{ place, name, text: body }];
    },
  );
}

function stepsOf(body: string): Step[] {
  return body
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const bare = line.replace(/\s+#.*$/, '');
      const [, role] = ROLE.exec(bare) ?? [];
      if (role !== undefined) return { kind: 'role', role, text: bare };
      return { kind: STATE.test(bare) ? 'state' : 'command', text: line };
    });
}
