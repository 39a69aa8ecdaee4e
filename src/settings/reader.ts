import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { Secret } from '../base/secret.ts';
import { type Environment, isInKubernetes } from './environment.ts';
import { type AccessOf, accessWarning } from './file-access.ts';
import { keyOf, type RawSettings, type RawValue, treeOf } from './raw.ts';
import { type Key, settingsSchema, type Values } from './schema.ts';
import { isFixed, type Setting } from './setting.ts';
import { acceptedBy } from './types.ts';

/** Returns the text of a file; throws an error with a `code`, as node:fs does. */
export type ReadFile = (path: string) => string;

const GIVEN_SHOWN_MAX = 60;

const anyContent = z.string().check(z.maxLength(65_536), z.describe('at most 65536 characters'));

export interface ReaderInput {
  /** Only the role's own settings. */
  readonly raw: RawSettings;
  readonly env: Environment;
  readonly readFile: ReadFile;
  readonly accessOf: AccessOf;
  /** The path of the settings file. */
  readonly file: string | undefined;
  /** Settings that need a start are the old ones: the files that they name have been read, and may be gone. */
  readonly isAsStarted: boolean;
}

/**
 * The given settings, parsed by the schema, with every problem and warning, so that all can be reported at once. Checks
 * across settings add to these.
 */
export class SettingsReader {
  /** Rejected values count as not given. */
  readonly values: Values;
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  /** The files that were read, successfully or not. */
  readonly files: Set<string> = new Set();
  /** The settings that need a restart, each as a text that changes with the setting. */
  readonly fixed: Map<string, string> = new Map();
  readonly #input: ReaderInput;
  /** Without rejected values and those left to other roles. */
  readonly #toRead: Map<string, RawValue>;

  constructor(input: ReaderInput) {
    this.#input = input;
    const { raw, file } = input;
    // One file may serve a hub and its proxies: the accounts in it are the hub's.
    const unread = raw.values.has('hub.url') ? 'apps' : undefined;
    this.#toRead = new Map([...raw.values].filter(([, { path }]) => path[0] !== unread));
    this.problems.push(...raw.problems);
    if (file !== undefined) this.#judgeFile('the settings file', file, raw.fileHasSecret);
    for (const setting of settingsSchema().settings) {
      for (const { name, texts } of this.#given(setting)) {
        if (setting.file !== undefined) this.#judgeFile(name, texts[0] ?? '', setting.file === 'secret');
      }
      this.#fix(setting, raw.values.get(setting.key)?.texts ?? []);
    }
    this.values = this.#parse();
  }

  /** The user's name for a setting if it was given, valid or not. */
  given(key: Key): string | undefined {
    return this.#input.raw.values.get(key)?.name;
  }

  /** The user's name for a setting. */
  nameOf(key: Key): string {
    return this.given(key) ?? key;
  }

  /** The names of the items of a list of mappings. */
  items(list: string): readonly string[] {
    return this.#input.raw.items.get(list) ?? [];
  }

  refuse(key: Key, why: string): void {
    this.problems.push(`${this.nameOf(key)}: ${why}`);
  }

  warnOf(key: Key, why: string): void {
    this.warnings.push(`${this.nameOf(key)}: ${why}`);
  }

  addWarning(warning: string | undefined): void {
    if (warning !== undefined) this.warnings.push(warning);
  }

  /** At most one of two alternative settings may be given; returns false if both are. */
  onlyOne(one: Key, other: Key): boolean {
    const isGood = this.given(one) === undefined || this.given(other) === undefined;
    if (!isGood) this.refuse(one, `both this and ${this.nameOf(other)} are given: keep one of the two`);
    return isGood;
  }

  /** The content of the file that a setting names, trimmed. */
  content(key: Key, type: z.ZodMiniType = anyContent): Secret | undefined {
    const { setting, texts: [path] = [] } = this.#toRead.get(key) ?? {};
    if (setting === undefined || path === undefined) return undefined;
    if (this.#input.isAsStarted && isFixed(setting)) return undefined;
    this.files.add(path);
    let text: string;
    try {
      text = this.#input.readFile(path).trim();
    } catch (error) {
      this.refuse(key, whyUnreadable(path, error));
      return undefined;
    }
    const [issue] = type.safeParse(text).error?.issues ?? [];
    if (text === '') this.refuse(key, `the file ${path} is empty`);
    else if (issue !== undefined) {
      const accepted = acceptedIs(acceptedBy(type), issue);
      this.refuse(key, `the file ${path} holds ${text.length} characters, ${accepted}`);
    } else {
      this.#fix(setting, [path, text]);
      return new Secret(text);
    }
    return undefined;
  }

  /** Warns about a file that others can change, and about a secret that others can read. */
  #judgeFile(name: string, path: string, isSecret: boolean): void {
    const { accessOf, env } = this.#input;
    const access = accessOf(path);
    if (access === undefined) return;
    this.addWarning(accessWarning({ name, path, access, isSecret, inPod: isInKubernetes(env) }));
  }

  #fix(setting: Setting, texts: readonly string[]): void {
    if (!isFixed(setting)) return;
    const digest = createHash('sha256').update(JSON.stringify(texts)).digest('base64url');
    this.fixed.set(setting.key, digest);
  }

  #given(setting: Setting): readonly RawValue[] {
    return [...this.#toRead.values()].filter((value) => value.setting === setting);
  }

  #parse(): Values {
    const { raw } = this.#input;
    const { schema } = settingsSchema();
    const parsed = schema.safeParse(treeOf({ ...raw, values: this.#toRead }));
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) this.#reportIssue(issue);
    return schema.parse(treeOf({ ...raw, values: this.#toRead }));
  }

  /** Reports a problem with a setting, or an item of a list, and drops it. */
  #reportIssue(issue: z.core.$ZodIssue): void {
    const { values } = this.#input.raw;
    const index = issue.path.at(-1);
    const key = keyOf(typeof index === 'number' ? issue.path.slice(0, -1) : issue.path);
    const value = values.get(key);
    if (value === undefined) throw new Error(`Cannot explain the problem with ${key}: ${issue.message}`);
    const { setting, name, texts } = value;
    if (issue.code === 'too_big' || issue.code === 'too_small') {
      this.problems.push(`${name}: has ${texts.length} items, ${issue.message}`);
      this.#toRead.delete(key);
      return;
    }
    const text = texts[typeof index === 'number' ? index : 0] ?? '';
    this.problems.push(`${name}: got ${shown(setting, text)}, ${acceptedIs(setting.accepted, issue)}`);
    const others = (this.#toRead.get(key)?.texts ?? []).filter((other) => other !== text);
    if (others.length === 0) this.#toRead.delete(key);
    else this.#toRead.set(key, { ...value, texts: others });
  }
}

/** Ends a sentence about a rejected value. */
function acceptedIs(accepted: string, issue: z.core.$ZodIssue): string {
  const why: unknown = issue.code === 'custom' ? issue.params?.['why'] : undefined;
  return `accepted is ${accepted}${typeof why === 'string' ? `; ${why}` : ''}`;
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
 * A given value as shown to people. A secret is not shown, nor what may be one in the wrong place: an AppSecret is 32
 * hex digits, and a URL may hold a password or a token.
 */
export function shown(setting: Pick<Setting, 'secret'>, text: string): string {
  if (setting.secret === true || /^[0-9a-f]{32}$/i.test(text)) return `a value of ${text.length} characters`;
  const harmless = text.replace(/\/\/[^/]*@/, '//…@').replace(/\?.*$/s, '?…');
  const cut = harmless.length > GIVEN_SHOWN_MAX ? `${harmless.slice(0, GIVEN_SHOWN_MAX)}…` : harmless;
  return JSON.stringify(cut);
}
