export type JsonObject = Readonly<Record<string, unknown>>;

/** Any JSON value; undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True for an object that is neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members of a JSON object; none if the value is not one. */
export function fieldsOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
