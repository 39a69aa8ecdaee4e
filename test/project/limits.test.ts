import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { defaultOf } from '../support/settings-source.ts';
import { LISTENER_LIMITS } from '../../src/server/listen.ts';
import { limitOfManifest } from '../attack/arena.ts';
import { MIB } from '../support/memory.ts';
import { readSources } from '../support/source-tree.ts';

const DOCS = ['docs/limits.md', 'docs/limits.zh-CN.md'] as const;

/** `path` and `NAME.field` of a constant, as the tables name it: `src/hub/limits.ts` `CALL_LIMITS.max`. */
const REFERENCE = /`(src\/[\w/-]+\.ts)` `([A-Z][A-Z_]*(?:\.\w+)?)`/;

type Row = readonly string[];

/** The tables of a document: each with its rows, the line of dashes left out. */
function tablesOf(file: string): Row[][] {
  const tables: Row[][] = [[]];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.startsWith('|')) {
      if (tables.at(-1)?.length !== 0) tables.push([]);
    } else if (!/^\|[ :|-]+\|$/.test(line)) {
      tables.at(-1)?.push(
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    }
  }
  return tables.filter((table) => table.length > 0);
}

async function valueOf(reference: string): Promise<unknown> {
  const [, path = '', name = ''] = REFERENCE.exec(reference) ?? [];
  const url = new URL(`../../${path.replace(/\.ts$/, '.js')}`, import.meta.url);
  const found = (await import(url.href)) as Record<string, unknown>;
  const [constant = '', field] = name.split('.');
  const value = found[constant];
  return field === undefined ? value : (value as Record<string, unknown> | undefined)?.[field];
}

/** A figure as the tables write it; its unit is the end of its name. */
function shown(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'number') return String(value);
  if (/Ms(?:Max)?$|_MS(?:_MAX)?$/.test(name)) {
    if (value === 0) return 'none';
    if (value < 1_000) return `${value} ms`;
    return value >= 120_000 && value % 60_000 === 0 ? `${value / 60_000} min` : `${value / 1_000} s`;
  }
  if (/bytes/i.test(name)) {
    if (value % MIB === 0) return `${value / MIB} MiB`;
    return value % 1_024 === 0 ? `${value / 1_024} KiB` : `${value} B`;
  }
  return value.toLocaleString('en-US');
}

/** In Chinese the figures are the same. */
function figureOf(cell: string): string {
  const words: Readonly<Record<string, string>> = { 是: 'yes', 否: 'no', 无: 'none' };
  return words[cell] ?? cell;
}

for (const doc of DOCS) {
  test(`${doc}: the limits of every listener match the code, and none is missing`, async (t) => {
    const [table = []] = tablesOf(doc);
    const [, constants = [], ...rows] = table;
    t.is(constants.length, 7);
    const values = await Promise.all(constants.slice(1).map(valueOf));
    t.true(values.every((value) => typeof value === 'object'));
    for (const [words = '', ...cells] of rows) {
      const field = /`(\w+)`/.exec(words)?.[1] ?? '';
      const expected = values.map((limits) => shown(field, (limits as Record<string, unknown>)[field]));
      t.deepEqual(cells.map(figureOf), expected, field);
    }
    const named = rows.map(([words = '']) => /`(\w+)`/.exec(words)?.[1]);
    t.deepEqual(new Set(named), new Set(Object.keys(LISTENER_LIMITS)));
  });

  test(`${doc}: every other figure matches the constant beside it`, async (t) => {
    let count = 0;
    for (const row of tablesOf(doc).slice(1).flat()) {
      const references = row.at(-1)?.match(new RegExp(REFERENCE, 'g')) ?? [];
      if (references.length === 0) continue;
      const figures = await Promise.all(
        references.map(async (each) => shown(REFERENCE.exec(each)?.[2] ?? '', await valueOf(each))),
      );
      t.deepEqual(row[1]?.split(/ \/ | × /), figures, row[0]);
      count += 1;
    }
    t.true(count > 40, `${count} rows`);
  });

  test(`${doc}: every table that the code keeps is named`, (t) => {
    const text = readFileSync(doc, 'utf8');
    const keeping = readSources('src').filter(
      // Settings are the operator's words.
      ({ path, code }) => !path.startsWith('src/settings/') && KEPT_TABLE.test(code),
    );
    t.true(keeping.length > 20);
    for (const { path } of keeping) t.true(text.includes(`\`${path}\``), path);
    for (const [, path = ''] of text.matchAll(/`(src\/[\w/-]+\.ts)`/g)) t.true(existsSync(path), path);
  });

  test(`${doc}: memory and calls in flight match the manifests and settings`, (t) => {
    const text = readFileSync(doc, 'utf8')
      .replaceAll(/ ?[(（]/g, ' (')
      .replaceAll('）', ')');
    t.true(text.includes(`| ${limitOfManifest('k8s/base/hub.yaml') / MIB}Mi`));
    t.true(text.includes(`| ${limitOfManifest('k8s/base/injector.yaml') / MIB}Mi`));
    t.true(text.includes(`| ${defaultOf('injector.memoryLimit')}`));
    t.true(
      text.includes(`\`limits.inFlight\` (${Number(defaultOf('limits.inFlight')).toLocaleString('en-US')})`),
    );
  });
}

/** A field of a class, or a constant beside functions that are given away, that grows by what comes in. */
const KEPT_TABLE =
  /new LRUCache[<(]|#\w+ = new (?:Map|Set)<string|#\w+: Map<string, \w+> = new Map|new Map<string, (?:Keeper|Series|\{ inc)|readonly \w+: Map<string, \w+>/;
