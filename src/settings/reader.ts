import { createHash } from 'node:crypto';
import { Secret } from '../base/secret.ts';
import { type AccessOf, accessWarning } from './file-access.ts';
import type { Setting } from './setting.ts';
import type { Form } from './forms.ts';
import { type Environment, environmentCells, isInPod } from './environment.ts';
import type { Cell, Cells, Scope } from './cells.ts';
import { SETTINGS_TABLE } from './table.ts';
import type { Role } from './settings.ts';

/** The text of a file, or an exception with a `code` as node:fs has it. */
export type ReadFile = (path: string) => string;

const GIVEN_SHOWN_MAX = 60;

const anyContent: Form<string> = {
  accepted: 'at most 65536 characters',
  read: (text) => (text.length <= 65_536 ? text : undefined),
};

/**
 * Hands out settings one at a time, the environment before the file, and gathers every problem on the
 * way, so that all of them can be told at once. A value that was not accepted reads as not given.
 */
export class SettingsReader {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  /** The files that were read on the way, whether or not they could be. */
  readonly files: Set<string> = new Set();
  /** What a restart is needed for, as text that differs where the setting does. */
  readonly fixed: Map<string, string> = new Map();
  readonly #role: Role;
  readonly #readFile: ReadFile;
  readonly #accessOf: AccessOf;
  readonly #inPod: boolean;
  readonly #top: Scope;
  readonly #environment: Scope;
  readonly #items: ReadonlyMap<string, readonly Scope[]>;

  constructor(
    role: Role,
    env: Environment,
    file: Cells | undefined,
    readFile: ReadFile,
    accessOf: AccessOf = () => undefined,
  ) {
    const fromEnv = environmentCells(env);
    this.#role = role;
    this.#readFile = readFile;
    this.#accessOf = accessOf;
    this.#inPod = isInPod(env);
    this.#environment = { name: 'the environment', cells: new Map([...fromEnv].filter(isItem)) };
    const single = [...fromEnv].filter((entry) => !isItem(entry));
    this.#top = { name: 'the settings', cells: new Map([...(file?.top ?? []), ...single]) };
    this.#items = file?.items ?? new Map<string, readonly Scope[]>();
  }

  /** The items of a list in the file, where this role takes any of it; one of them may be empty. */
  items(key: string): readonly Scope[] {
    const isOurs = SETTINGS_TABLE.some(
      (setting) => setting.key.startsWith(`${key}[].`) && setting.roles.includes(this.#role),
    );
    return isOurs ? (this.#items.get(key) ?? []) : [];
  }

  /** The item that the environment describes: the account of WECHAT_APPID, for one. */
  environmentItem(): Scope {
    return this.#environment;
  }

  /** What was given, unread; nothing where the setting is none of this role's. */
  given(setting: Setting, scope: Scope = this.#top): Cell | undefined {
    return setting.roles.includes(this.#role) ? scope.cells.get(setting.key) : undefined;
  }

  /** The value given for a setting. */
  one<T>(setting: Setting<T>, scope: Scope = this.#top): T | undefined {
    const cell = this.given(setting, scope);
    this.#keep(setting, cell?.texts ?? []);
    const text = cell?.texts[0];
    if (cell === undefined || text === undefined) return undefined;
    if (setting.file !== undefined) this.judgeFile(cell.name, text, setting.file === 'secret');
    return this.#read(setting, cell, text);
  }

  /** The value given, else the default, of a setting whose row has one. */
  oneOrDefault<T>(setting: Setting<T>): T {
    return this.one(setting) ?? defaultOf(setting);
  }

  /** The values of a list; undefined where none was given. */
  many<T>(setting: Setting<T>, scope: Scope = this.#top): readonly T[] | undefined {
    const cell = this.given(setting, scope);
    this.#keep(setting, cell?.texts ?? []);
    if (cell === undefined) return undefined;
    const most = setting.itemsMax ?? 1;
    if (cell.texts.length > most || cell.texts.length === 0) {
      this.problems.push(`${cell.name}: has ${cell.texts.length} items, accepted are 1 to ${most}`);
      return undefined;
    }
    return cell.texts.flatMap((text) => this.#read(setting, cell, text) ?? []);
  }

  /** The content of the file that a setting names, without white space around it. */
  secretFile(
    setting: Setting<string>,
    scope: Scope = this.#top,
    content: Form<unknown> = anyContent,
  ): Secret | undefined {
    const path = this.one(setting, scope);
    const name = this.given(setting, scope)?.name ?? setting.key;
    if (path === undefined) return undefined;
    this.files.add(path);
    let text: string;
    try {
      text = this.#readFile(path);
    } catch (error) {
      this.problems.push(`${name}: ${whyUnreadable(path, error)}`);
      return undefined;
    }
    const secret = text.trim();
    if (secret === '') this.problems.push(`${name}: the file ${path} is empty`);
    else if (content.read(secret) === undefined)
      this.problems.push(
        `${name}: the file ${path} holds ${secret.length} characters${accepted(content, secret)}`,
      );
    else {
      this.#keep(setting, [path, secret]);
      return new Secret(secret);
    }
    return undefined;
  }

  /** Of a setting that may change while we run, the part that may not. */
  fix(setting: Setting, part: string): void {
    this.fixed.set(setting.key, part);
  }

  /** Warns of a file that others may change, and of one with a secret that others may read. */
  judgeFile(name: string, path: string, isSecret: boolean): void {
    const access = this.#accessOf(path);
    if (access === undefined) return;
    const warning = accessWarning({ name, path, access, isSecret, inPod: this.#inPod });
    if (warning !== undefined) this.warnings.push(warning);
  }

  #read<T>(setting: Setting<T>, cell: Cell, text: string): T | undefined {
    const value = setting.form.read(text);
    if (value === undefined) {
      this.problems.push(`${cell.name}: got ${shown(setting, text)}${accepted(setting.form, text)}`);
    }
    return value;
  }

  #keep(setting: Setting, texts: readonly string[]): void {
    if (setting.live || setting.key.includes('[]')) return;
    const digest = createHash('sha256').update(JSON.stringify(texts)).digest('base64url');
    this.fixed.set(setting.key, digest);
  }
}

/** Ends a sentence about what was given and is not accepted. */
function accepted(form: Form<unknown>, text: string): string {
  const why = form.why?.(text);
  return `, accepted is ${form.accepted}${why === undefined ? '' : `; ${why}`}`;
}

function isItem([key]: [string, Cell]): boolean {
  return key.includes('[]');
}

export function defaultOf<T>(setting: Setting<T>): T {
  const value = setting.default === undefined ? undefined : setting.form.read(setting.default);
  if (value === undefined) throw new Error(`Cannot use the default of ${setting.key} as its form has it`);
  return value;
}

export function whyUnreadable(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const reasons: Record<string, string> = {
    ENOENT: `there is no file ${path}`,
    EISDIR: `${path} is a directory, and a file is needed`,
    ENOTDIR: `there is no file ${path}: a part of that path is a file itself`,
    EACCES: `this user may not read ${path}`,
    EPERM: `this user may not read ${path}`,
  };
  return reasons[code] ?? `cannot read ${path} (${code})`;
}

/**
 * What was given, for people. Not a secret, nor what may be one in the wrong place: an AppSecret is 32
 * hex digits, and a URL may hold a password or a token.
 */
export function shown(setting: Pick<Setting, 'secret'>, text: string): string {
  if (setting.secret === true || /^[0-9a-f]{32}$/i.test(text)) return `a value of ${text.length} characters`;
  const harmless = text.replace(/\/\/[^/]*@/, '//…@').replace(/\?.*$/s, '?…');
  const cut = harmless.length > GIVEN_SHOWN_MAX ? `${harmless.slice(0, GIVEN_SHOWN_MAX)}…` : harmless;
  return JSON.stringify(cut);
}
