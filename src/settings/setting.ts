import * as z from 'zod';
import type { Role } from './role.ts';

/** The metadata of a setting, besides its type and description. */
export interface About {
  readonly env?: string;
  /** As text, parsed by the same type. */
  readonly default?: string;
  /** Shown if the default is not a constant. */
  readonly defaultNote?: { readonly en: string; readonly zh: string };
  readonly roles: readonly Role[];
  /** A change takes effect without a restart. */
  readonly live?: true;
  /** Its value is never shown, only its length. */
  readonly secret?: true;
  /** It names a file: `secret` if only we should be able to read it. */
  readonly file?: 'secret' | 'public';
  /** An empty list is an error; it does not count as not given. */
  readonly neverEmpty?: true;
  /** In a list of mappings, the variable also applies to every item of the file that omits this. */
  readonly forEachItem?: true;
}

/** One setting. Help, the README tables and the JSON Schema are generated from these. */
export interface Setting extends About {
  /** Its path in the file: `replay.bodyLimit`; `[]` marks an item of a list. */
  readonly key: string;
  /** Ends the sentence "accepted is …". */
  readonly accepted: string;
  /** A list with at most this many items; comma-separated in the environment. */
  readonly itemsMax: number | undefined;
  readonly en: string;
  readonly zh: string;
}

/** Distinguishes settings from the types and mappings around them. */
const SETTINGS_REGISTRY = z.registry<Omit<Setting, 'key'>>();

/** A setting of the schema: accepted values, the roles that read it, and its meaning in both languages. */
export function setting<T extends z.ZodType>(
  type: T,
  about: About & { readonly default: string },
  en: string,
  zh: string,
): z.ZodPrefault<T>;
export function setting<T extends z.ZodType>(type: T, about: About, en: string, zh: string): z.ZodOptional<T>;
export function setting(type: z.ZodType, about: About, en: string, zh: string): z.ZodType {
  const isList = type instanceof z.ZodArray;
  const { description: accepted = '' } = isList ? (type.element as z.ZodType) : type;
  const itemsMax = type.meta()?.['maxItems'] as number | undefined;
  const text = about.default;
  const schema = text === undefined ? type.optional() : type.prefault(isList ? text.split(',') : text);
  return schema.register(SETTINGS_REGISTRY, { ...about, accepted, itemsMax, en, zh });
}

/** Settings in one mapping. */
export function group<T extends z.core.$ZodLooseShape>(
  shape: T,
): z.ZodPrefault<z.ZodObject<T, z.core.$strict>> {
  return z.strictObject(shape).prefault({} as never);
}

/** A part of the schema, as the file is read. */
export type Section = { readonly kind: 'setting'; readonly setting: Setting } | MappingSection;

/** A mapping, or a list of mappings; for a list, `members` are those of each item. */
export interface MappingSection {
  readonly kind: 'mapping' | 'list';
  readonly key: string;
  readonly members: ReadonlyMap<string, Section>;
}

export function sectionOf(schema: z.ZodType, key = ''): Section {
  const about = SETTINGS_REGISTRY.get(schema);
  if (about !== undefined) return { kind: 'setting', setting: { key, ...about } };
  if (schema instanceof z.ZodArray) {
    const item = sectionOf(schema.element as z.ZodType, `${key}[]`);
    return item.kind === 'mapping' ? { ...item, kind: 'list', key } : item;
  }
  if (schema instanceof z.ZodObject) {
    const members = Object.entries(schema.shape as Record<string, z.ZodType>).map(
      ([name, member]) => [name, sectionOf(member, key === '' ? name : `${key}.${name}`)] as const,
    );
    return { kind: 'mapping', key, members: new Map(members) };
  }
  const { innerType, in: input } = schema.def as { innerType?: z.ZodType; in?: z.ZodType };
  const inner = innerType ?? input;
  if (inner === undefined)
    throw new Error(`Cannot find the settings of ${key}: ${schema.type} is not a section`);
  return sectionOf(inner, key);
}

/** Every setting of a section, in the order of the schema. */
export function settingsIn(section: Section): readonly Setting[] {
  return section.kind === 'setting' ? [section.setting] : [...section.members.values()].flatMap(settingsIn);
}
