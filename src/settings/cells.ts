import { didYouMean } from '../base/did-you-mean.ts';
import type { Setting } from './setting.ts';
import type { SettingsFile } from './file.ts';
import { SETTINGS_TABLE } from './table.ts';

/** What was given for one setting, in one place. */
export interface Cell {
  readonly setting: Setting;
  /** How people find it: `WECHAT_APPID`, or `apps[1].appid (shop.yaml:7)`. */
  readonly name: string;
  readonly texts: readonly string[];
}

/** Settings that belong together: the top level, or one item of a list such as `apps[1]`. */
export interface Scope {
  readonly name: string;
  /** By the setting's key. */
  readonly cells: ReadonlyMap<string, Cell>;
}

export interface Cells {
  readonly top: Map<string, Cell>;
  /** Items of lists in the file, by the list's key. */
  readonly items: Map<string, Scope[]>;
  readonly problems: string[];
}

type Path = readonly (string | number)[];

/** Items of one list in the file; a longer one is refused as a whole. */
const ITEMS_MAX = 1_000;

/** YAML's ways to say nothing, and a variable that is set to nothing, all count as not given. */
const NOTHING = new Set(['', '~', 'null']);

export function isGiven(text: string | undefined): text is string {
  return text !== undefined && !NOTHING.has(text.trim());
}

/** Finds the place of each setting in a file, and tells of everything else that stands there. */
export function fileCells(file: SettingsFile): Cells {
  const cells: Cells = { top: new Map(), items: new Map(), problems: [] };
  if (isMapping(file.root)) walkMapping(file, cells, { path: [], key: '', cells: cells.top }, file.root);
  else if (file.root !== null && file.root !== '') {
    cells.problems.push(`${file.place([])}: is no settings file: it must be a mapping, such as "listen: …"`);
  }
  return cells;
}

interface Position {
  readonly path: Path;
  /** The path with `[]` for each index. */
  readonly key: string;
  /** Where the settings found here go. */
  readonly cells: Map<string, Cell>;
}

function walkMapping(file: SettingsFile, cells: Cells, at: Position, mapping: object): void {
  for (const [name, value] of Object.entries(mapping)) {
    const path = [...at.path, name];
    const key = at.key === '' ? name : `${at.key}.${name}`;
    const next = { path, key, cells: at.cells };
    const setting = SETTINGS_TABLE.find((row) => row.key === key);
    if (!/^\w+$/.test(name)) cells.problems.push(`${where(file, path)}: no such setting`);
    else if (setting !== undefined) takeLeaf(file, cells, next, setting, value);
    else if (SETTINGS_TABLE.some((row) => row.key.startsWith(`${key}[].`)))
      walkList(file, cells, next, value);
    else if (SETTINGS_TABLE.some((row) => row.key.startsWith(`${key}.`)))
      walkBranch(file, cells, next, value);
    else cells.problems.push(`${where(file, path)}: no such setting${didYouMean(name, namesBelow(at.key))}`);
  }
}

/** A mapping; a text in its place stands for its `url`, as in `store: memory`. */
function walkBranch(file: SettingsFile, cells: Cells, at: Position, value: unknown): void {
  if (isMapping(value)) return walkMapping(file, cells, at, value);
  if (typeof value === 'string' && !isGiven(value)) return;
  const url = SETTINGS_TABLE.find((row) => row.key === `${at.key}.url`);
  if (url !== undefined) return takeLeaf(file, cells, { ...at, key: url.key }, url, value);
  cells.problems.push(`${where(file, at.path)}: must be a mapping of ${namesBelow(at.key).join(', ')}`);
}

function walkList(file: SettingsFile, cells: Cells, at: Position, value: unknown): void {
  if (typeof value === 'string' && !isGiven(value)) return;
  const names = namesBelow(`${at.key}[]`).join(', ');
  if (!Array.isArray(value)) {
    cells.problems.push(`${where(file, at.path)}: must be a list of mappings of ${names}`);
    return;
  }
  if (value.length > ITEMS_MAX) {
    cells.problems.push(`${where(file, at.path)}: has ${value.length} items, accepted are ${ITEMS_MAX}`);
    return;
  }
  const scopes: Scope[] = [];
  for (const [index, item] of (value as unknown[]).entries()) {
    const path = [...at.path, index];
    const own = new Map<string, Cell>();
    if (isMapping(item)) {
      walkMapping(file, cells, { path, key: `${at.key}[]`, cells: own }, item);
      scopes.push({ name: where(file, path), cells: own });
    } else cells.problems.push(`${where(file, path)}: must be a mapping of ${names}`);
  }
  cells.items.set(at.key, scopes);
}

function takeLeaf(file: SettingsFile, cells: Cells, at: Position, setting: Setting, value: unknown): void {
  const name = where(file, at.path);
  if (typeof value === 'string') {
    const texts = isGiven(value) ? textsOf(setting, value) : [];
    if (isGiven(value) || setting.neverEmpty === true) at.cells.set(setting.key, { setting, name, texts });
    return;
  }
  if (setting.itemsMax !== undefined && isTexts(value)) {
    if (value.length > 0 || setting.neverEmpty === true)
      at.cells.set(setting.key, { setting, name, texts: value.map((text) => text.trim()) });
    return;
  }
  const wanted = setting.itemsMax === undefined ? 'one text' : 'a list of texts';
  cells.problems.push(`${name}: must be ${wanted}: ${setting.form.accepted}`);
}

/** Whether a secret itself stands in the file, and not only the path of one or its hash. */
export function holdsSecret({ top, items }: Cells): boolean {
  const scopes = [top, ...[...items.values()].flat().map((scope) => scope.cells)];
  return scopes.some((cells) => [...cells.values()].some(isSecret));
}

function isSecret({ setting, texts }: Cell): boolean {
  return setting.key.endsWith('.secret') || texts.some((text) => /:\/\/[^/@]*:[^@]+@/.test(text));
}

/** Of a setting that is a list, one text holds the items between commas. */
export function textsOf(setting: Setting, text: string): readonly string[] {
  if (setting.itemsMax === undefined) return [text.trim()];
  return text.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
}

/** The names that may stand in the mapping at `key`. */
function namesBelow(key: string): string[] {
  const prefix = key === '' ? '' : `${key}.`;
  const names = SETTINGS_TABLE.filter((row) => row.key !== '' && row.key.startsWith(prefix)).map(
    (row) => row.key.slice(prefix.length).split(/[.[]/, 1)[0] ?? '',
  );
  return [...new Set(names)];
}

function where(file: SettingsFile, path: Path): string {
  const dotted = path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const name = printable(step);
    return text === '' ? name : `${text}.${name}`;
  }, '');
  return `${dotted} (${file.place(path)})`;
}

/** A key that nobody knows is quoted, so it must not break the line or fill the screen. */
function printable(key: string): string {
  return key.length <= 64 && /^[\w./-]+$/.test(key) ? key : JSON.stringify(key.slice(0, 32));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
