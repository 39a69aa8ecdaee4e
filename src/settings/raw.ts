import { didYouMean } from '../base/did-you-mean.ts';
import { type Environment, isGiven, unknownVariables } from './environment.ts';
import type { Path, SettingsFile } from './file.ts';
import type { Role } from './role.ts';
import { settingsSchema } from './schema.ts';
import { isFixed, type MappingSection, type Setting, settingsIn } from './setting.ts';

/** The value of one setting from one place. */
export interface RawValue {
  readonly setting: Setting;
  /** Its place in the settings: items of a list that count are numbered. */
  readonly path: Path;
  /** The name for people: `WECHAT_APPID`, or `apps[1].appid (shop.yaml:7)`. */
  readonly name: string;
  readonly texts: readonly string[];
}

/** What was given, before it is parsed. */
export interface RawSettings {
  /** By key, with the index of the item: `apps[1].appid`. */
  readonly values: Map<string, RawValue>;
  /** The names of the items of each list of mappings; one of them may be empty. */
  readonly items: Map<string, string[]>;
  readonly problems: string[];
  /** Whether the file contains a secret itself, not just a file path or hash of one. */
  fileHasSecret: boolean;
}

/** The name of the item that the environment describes, such as the account of WECHAT_APPID. */
export const ENVIRONMENT_ITEM = 'the environment';
/** The maximum length of a list in the file; a longer one is rejected as a whole. */
const ITEMS_MAX = 1_000;

/** No file, or an empty one. */
const EMPTY: SettingsFile = { kind: 'file', root: null, place: () => '' };

/** The values of the settings that take effect only with a start, by key. */
export type FixedValues = ReadonlyMap<string, RawValue>;

/**
 * Collects the settings of a role from file and environment. Those that take effect only with a start are the ones of
 * `started`, if it is given.
 */
export function gather(
  file: SettingsFile | undefined,
  env: Environment,
  role: Role,
  started?: FixedValues,
): RawSettings {
  const raw = rawFromFile(file ?? EMPTY);
  raw.problems.push(...unknownVariables(env));
  addEnvironment(raw, env);
  keepForRole(raw, role);
  if (started !== undefined) keepStarted(raw, started);
  return raw;
}

/** The store is among them: another Redis needs no start, another kind of store does. */
export function fixedIn({ values }: RawSettings): FixedValues {
  return new Map([...values].filter(([key, { setting }]) => isFixed(setting) || isOfStore(key)));
}

function keepStarted(raw: RawSettings, started: FixedValues): void {
  const isOther = ['store.url', 'store.keyPrefix'].some(
    (key) => storeKindOf(raw.values.get(key)) !== storeKindOf(started.get(key)),
  );
  const isKept = ([key, { setting }]: [string, RawValue]): boolean =>
    isFixed(setting) || (isOther && isOfStore(key));
  for (const [key] of [...raw.values].filter(isKept)) raw.values.delete(key);
  for (const [, value] of [...started].filter(isKept)) put(raw, value);
}

function isOfStore(key: string): boolean {
  return key.startsWith('store.');
}

function storeKindOf(value: RawValue | undefined): string {
  const [text = ''] = value?.texts ?? [];
  return /^rediss?:/i.test(text) ? 'redis' : text;
}

/** Finds each setting in a file, and reports everything else in it. */
export function rawFromFile(file: SettingsFile): RawSettings {
  const raw: RawSettings = { values: new Map(), items: new Map(), problems: [], fileHasSecret: false };
  const { root } = file;
  if (isMapping(root)) new FileWalk(file, raw).mapping(settingsSchema().root, root, { path: [], to: [] });
  else if (root !== null && root !== '')
    raw.problems.push(`${file.place([])}: is not a settings file: it must be a mapping, such as "listen: …"`);
  raw.fileHasSecret = [...raw.values.values()].some(isSecret);
  return raw;
}

function isSecret({ setting, texts }: RawValue): boolean {
  return setting.key.endsWith('.secret') || texts.some((text) => /:\/\/[^/@]*:[^@]+@/.test(text));
}

interface Position {
  /** The path in the file. */
  readonly path: Path;
  /** The path in the settings. */
  readonly to: Path;
}

class FileWalk {
  readonly #file: SettingsFile;
  readonly #raw: RawSettings;

  constructor(file: SettingsFile, raw: RawSettings) {
    this.#file = file;
    this.#raw = raw;
  }

  mapping({ members }: MappingSection, value: object, at: Position): void {
    for (const [name, inner] of Object.entries(value)) {
      const below = { path: [...at.path, name], to: [...at.to, name] };
      const member = members.get(name);
      if (member === undefined) {
        const hint = /^\w+$/.test(name) ? didYouMean(name, members.keys()) : '';
        this.#refuse(below, `no such setting${hint}`);
      } else if (member.kind === 'setting') this.#setting(member.setting, inner, below);
      else if (member.kind === 'list') this.#list(member, inner, below);
      else this.#group(member, inner, below);
    }
  }

  /** A mapping; text in its place means its `url`, as in `store: memory`. */
  #group(section: MappingSection, value: unknown, at: Position): void {
    if (isMapping(value)) return this.mapping(section, value, at);
    if (typeof value === 'string' && !isGiven(value)) return;
    const url = section.members.get('url');
    if (url?.kind === 'setting') this.#setting(url.setting, value, { ...at, to: [...at.to, 'url'] });
    else this.#refuse(at, `must be a mapping of ${namesIn(section)}`);
  }

  #list(section: MappingSection, value: unknown, at: Position): void {
    if (typeof value === 'string' && !isGiven(value)) return;
    if (!Array.isArray(value)) return this.#refuse(at, `must be a list of mappings of ${namesIn(section)}`);
    if (value.length > ITEMS_MAX)
      return this.#refuse(at, `has ${value.length} items, accepted are ${ITEMS_MAX}`);
    const names: string[] = [];
    this.#raw.items.set(section.key, names);
    for (const [index, item] of (value as unknown[]).entries()) {
      const below = { path: [...at.path, index], to: [...at.to, names.length] };
      if (!isMapping(item)) this.#refuse(below, `must be a mapping of ${namesIn(section)}`);
      else {
        names.push(this.#nameOf(below));
        this.mapping(section, item, below);
      }
    }
  }

  #setting(setting: Setting, value: unknown, at: Position): void {
    const isList = setting.itemsMax !== undefined;
    const isText = typeof value === 'string';
    if (!isText && !(isList && isTexts(value)))
      return this.#refuse(at, `must be ${isList ? 'a list of texts' : 'one text'}: ${setting.accepted}`);
    const isEmpty = isText ? !isGiven(value) : value.length === 0;
    if (isEmpty && setting.neverEmpty !== true) return;
    const texts = isEmpty ? [] : isText ? textsOf(setting, value) : trimmed(value);
    put(this.#raw, { setting, path: at.to, name: this.#nameOf(at), texts });
  }

  #refuse(at: Position, why: string): void {
    this.#raw.problems.push(`${this.#nameOf(at)}: ${why}`);
  }

  #nameOf({ path }: Position): string {
    const names = path.map((step) => (typeof step === 'number' ? step : printable(step)));
    return `${keyOf(names)} (${this.#file.place(path)})`;
  }
}

/** Overrides the file's values with the environment's. */
function addEnvironment(raw: RawSettings, env: Environment): void {
  for (const setting of settingsSchema().settings) {
    const { key, env: name = '', forEachItem = false } = setting;
    const text = env[name];
    if (!isGiven(text) || key === '') continue;
    const texts = textsOf(setting, text);
    const [list = '', member] = key.split('[].');
    if (member === undefined) {
      put(raw, { setting, path: key.split('.'), name, texts });
      continue;
    }
    const names = raw.items.get(list) ?? [];
    if (!forEachItem && names.at(-1) !== ENVIRONMENT_ITEM) raw.items.set(list, [...names, ENVIRONMENT_ITEM]);
    const count = raw.items.get(list)?.length ?? 0;
    for (let index = forEachItem ? 0 : count - 1; index < count; index += 1) {
      const path = [...list.split('.'), index, member];
      if (!raw.values.has(keyOf(path))) put(raw, { setting, path, name, texts });
    }
  }
}

/** Removes settings that do not apply to a role. */
function keepForRole(raw: RawSettings, role: Role): void {
  for (const [key, { setting }] of raw.values) {
    if (!setting.roles.includes(role)) raw.values.delete(key);
  }
  for (const list of raw.items.keys()) {
    const members = settingsIn(settingsSchema().root).filter(({ key }) => key.startsWith(`${list}[].`));
    if (!members.some(({ roles }) => roles.includes(role))) raw.items.delete(list);
  }
}

/** The raw values as a tree, which the schema parses. */
export function treeOf({ values, items }: RawSettings): Record<string, unknown> {
  const tree = {};
  for (const [key, names] of items)
    setIn(
      tree,
      key.split('.'),
      names.map(() => ({})),
    );
  for (const { setting, path, texts } of values.values())
    setIn(tree, path, setting.itemsMax === undefined ? texts[0] : texts);
  return tree;
}

function setIn(tree: object, path: Path, value: unknown): void {
  let at = tree as Record<string | number, object>;
  for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Record<string | number, object>;
  at[path.at(-1) ?? ''] = value as object;
}

function put(raw: RawSettings, value: RawValue): void {
  raw.values.set(keyOf(value.path), value);
}

/** A list setting takes comma-separated text. */
function textsOf(setting: Setting, text: string): readonly string[] {
  if (setting.itemsMax === undefined) return [text.trim()];
  return trimmed(text.split(',')).filter((item) => item !== '');
}

function trimmed(texts: readonly string[]): readonly string[] {
  return texts.map((text) => text.trim());
}

/** Joins path steps into a key such as `apps[1].appid`. */
export function keyOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((key, step) => {
    if (typeof step === 'number') return `${key}[${step}]`;
    return key === '' ? String(step) : `${key}.${String(step)}`;
  }, '');
}

function namesIn({ members }: MappingSection): string {
  return [...members.keys()].join(', ');
}

/** An unknown key is quoted, so it must not break the line or fill the screen. */
function printable(key: string): string {
  return key.length <= 64 && /^[\w./-]+$/.test(key) ? key : JSON.stringify(key.slice(0, 32));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
