import type { Call } from '../world.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The request's body where it is one JSON object, else `undefined`. */
export function jsonObject(call: Call): JsonObject | undefined {
  const { bytes } = call.body;
  if (bytes === undefined || bytes.length === 0) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
