import { z } from 'zod';
import { settingsSchema } from '../../src/settings/schema.ts';
import type { Section, Setting } from '../../src/settings/setting.ts';

type Json = z.core.JSONSchema.BaseSchema;

/**
 * The JSON Schema of the settings file, for editors. It is made of the schema that reads the file. Of
 * some values it knows only that they are text: what it refuses is refused by the program too, not the
 * other way round.
 */
export function renderJsonSchema(): string {
  const { root, schema } = settingsSchema();
  const { $schema, ...json } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  const described = describe(root, json);
  const whole = { $schema, title: 'The settings file of wechat-sidecar', ...described, type: 'object' };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function describe(section: Section, json: Json): Json {
  if (section.kind === 'setting') return describeSetting(section.setting, json);
  const mapping = section.kind === 'list' ? (json.items as Json) : json;
  const members = [...section.members].map(([name, member]) => {
    return [name, describe(member, mapping.properties?.[name] as Json)] as const;
  });
  const properties = Object.fromEntries(members);
  const one = { type: 'object', properties, additionalProperties: false } as const;
  // A key with nothing behind it, as when all below it is commented out, counts as not given.
  if (section.kind === 'list') return { type: ['array', 'null'] as never, items: one };
  const open = { ...one, type: ['object', 'null'] as never };
  return properties['url'] === undefined ? open : { anyOf: [open, properties['url']] };
}

function describeSetting({ en, accepted, itemsMax, ...setting }: Setting, json: Json): Json {
  // Of a link within the README its text is enough.
  const meaning = en.replaceAll(/\[(.*?)\]\(#.*?\)/g, '$1');
  const several = itemsMax === undefined ? '' : '; several as a list, or with commas between';
  const description = `${meaning}\n\nAccepted: ${accepted}${several}.`;
  const fallback = setting.default === undefined ? {} : { default: typed(json, setting.default) };
  if (itemsMax === undefined) return { ...json, description, ...fallback };
  return { description, ...fallback, anyOf: [{ ...json, default: undefined }, { type: 'string' }] };
}

/** A default as a file would have it: `3880` and not `"3880"`. */
function typed({ type }: Json, text: string): unknown {
  const types: readonly unknown[] = [type].flat();
  if (types.includes('boolean')) return text === 'true';
  return types.includes('integer') ? Number(text) : text;
}
