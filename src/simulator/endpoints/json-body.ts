import { isObject, type JsonObject, parseJson } from '../../base/json.ts';
import type { Call } from '../world.ts';

/** The request's body if it is one JSON object, otherwise `undefined`. */
export function jsonObject(call: Call): JsonObject | undefined {
  const { bytes } = call.body;
  if (bytes === undefined || bytes.length === 0) return undefined;
  const value = parseJson(bytes.toString());
  return isObject(value) ? value : undefined;
}
