import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface SourceFile {
  /** From the root of the project: `src/base/clock.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text without comments and quoted strings; templates stay, since they hold code. */
  readonly code: string;
  /** The files of this project that it imports. */
  readonly imports: readonly string[];
  /** The packages that it imports, by the name in package.json. */
  readonly packages: readonly string[];
}

/** All TypeScript files below a folder, read as text: enough for imports and words, and no compiler needed. */
export function readSources(folder: string): SourceFile[] {
  return filesBelow(folder)
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map((path) => {
      const text = readFileSync(path, 'utf8');
      const targets = importTargets(text);
      return {
        path,
        text,
        code: withoutCommentsAndStrings(text),
        imports: targets
          .filter((target) => target.startsWith('.'))
          .map((target) => normalize(join(dirname(path), target))),
        packages: targets.filter((target) => !/^(?:\.|node:)/.test(target)).map(packageOf),
      };
    });
}

export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    })
    .toSorted();
}

function importTargets(text: string): string[] {
  const bare = withoutComments(text);
  const patterns = [
    /^(?:import|export)\b[^;'"]*?\bfrom\s*'([^']+)'/gm,
    /^import\s+'([^']+)'/gm,
    /\bimport\(\s*'([^']+)'/g,
  ];
  return patterns.flatMap((pattern) => [...bare.matchAll(pattern)].map((match) => String(match[1])));
}

function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
}

const TOKENS = /\/\*[^]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

function withoutComments(text: string): string {
  return text.replaceAll(TOKENS, (token) => (token.startsWith('/') ? '' : token));
}

function withoutCommentsAndStrings(text: string): string {
  return text.replaceAll(TOKENS, (token) =>
    token.startsWith('`') ? token : token.startsWith('/') ? '' : "''",
  );
}

/** The first chain of imports that leads back to where it began, if there is one. */
export function findCycle(sources: readonly SourceFile[]): string[] | undefined {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const finished = new Set<string>();
  const visit = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (finished.has(path)) return undefined;
    for (const next of byPath.get(path)?.imports ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(path);
    return undefined;
  };
  for (const { path } of sources) {
    const cycle = visit(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** The files that the entry does not lead to. */
export function findUnreached(sources: readonly SourceFile[], entry: string): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const queue = [entry];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    queue.push(...(byPath.get(path)?.imports ?? []));
  }
  return sources.map(({ path }) => path).filter((path) => !reached.has(path));
}
