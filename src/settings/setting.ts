import * as z from 'zod/mini';
import type { Role } from './role.ts';
import { acceptedBy } from './types.ts';

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

/** Whether a change takes effect only with the next start. Members of lists count as what they are part of. */
export function isFixed({ key, live }: Setting): boolean {
  return live !== true && key !== '' && !key.includes('[]');
}

/** Distinguishes settings from the types and mappings around them. */
const SETTINGS_REGISTRY = z.registry<Omit<Setting, 'key'>>();

/** A setting of the schema: accepted values, the roles that read it, and its meaning in both languages. */
export function setting<T extends z.ZodMiniType>(
  type: T,
  about: About & { readonly default: string },
  en: string,
  zh: string,
): z.ZodMiniPrefault<T>;
export function setting<T extends z.ZodMiniType>(
  type: T,
  about: About,
  en: string,
  zh: string,
): z.ZodMiniOptional<T>;
export function setting(type: z.ZodMiniType, about: About, en: string, zh: string): z.ZodMiniType {
  const isList = type instanceof z.ZodMiniArray;
  const accepted = acceptedBy(isList ? (type.def.element as z.ZodMiniType) : type);
  const itemsMax = z.globalRegistry.get(type)?.['maxItems'] as number | undefined;
  const text = about.default;
  const schema: z.ZodMiniType =
    text === undefined ? z.optional(type) : z.prefault(type, isList ? text.split(',') : text);
  return schema.register(SETTINGS_REGISTRY, { ...about, accepted, itemsMax, en, zh });
}

/** Settings in one mapping, perhaps with what is made of them. */
export function group<T extends z.core.$ZodLooseShape>(
  shape: T,
): z.ZodMiniPrefault<z.ZodMiniObject<T, z.core.$strict>>;
export function group<T extends z.core.$ZodLooseShape, Out>(
  shape: T,
  make: (values: z.output<z.ZodMiniObject<T, z.core.$strict>>) => Out,
): z.ZodMiniType<Out, z.input<z.ZodMiniPrefault<z.ZodMiniObject<T, z.core.$strict>>>>;
export function group(shape: z.core.$ZodLooseShape, make?: (values: never) => unknown): z.ZodMiniType {
  const values: z.ZodMiniType = z.prefault(z.strictObject(shape), {});
  return make === undefined ? values : z.pipe(values, z.transform(make as (values: unknown) => unknown));
}

/** A list that is empty if none is given. */
export function orEmpty<T extends z.ZodMiniType<readonly unknown[] | undefined>>(
  type: T,
): z.ZodMiniDefault<T> {
  return z._default(type, [] as never);
}

/** A part of the schema, as the file is read. */
export type Section = { readonly kind: 'setting'; readonly setting: Setting } | MappingSection;

/** A mapping, or a list of mappings; for a list, `members` are those of each item. */
export interface MappingSection {
  readonly kind: 'mapping' | 'list';
  readonly key: string;
  readonly members: ReadonlyMap<string, Section>;
}

export function sectionOf(schema: z.ZodMiniType, key = ''): Section {
  const about = SETTINGS_REGISTRY.get(schema);
  if (about !== undefined) return { kind: 'setting', setting: { key, ...about } };
  if (schema instanceof z.ZodMiniArray) {
    const item = sectionOf(schema.def.element as z.ZodMiniType, `${key}[]`);
    return item.kind === 'mapping' ? { ...item, kind: 'list', key } : item;
  }
  if (schema instanceof z.ZodMiniObject) {
    const members = Object.entries(schema.shape as Record<string, z.ZodMiniType>).map(
      ([name, member]) => [name, sectionOf(member, key === '' ? name : `${key}.${name}`)] as const,
    );
    return { kind: 'mapping', key, members: new Map(members) };
  }
  const { innerType, in: input } = schema.def as { innerType?: z.ZodMiniType; in?: z.ZodMiniType };
  const inner = innerType ?? input;
  if (inner === undefined)
    throw new Error(`Cannot find the settings of ${key}: ${schema.type} is not a section`);
  return sectionOf(inner, key);
}

/** Every setting of a section, in the order of the schema. */
export function settingsIn(section: Section): readonly Setting[] {
  return section.kind === 'setting' ? [section.setting] : [...section.members.values()].flatMap(settingsIn);
}
