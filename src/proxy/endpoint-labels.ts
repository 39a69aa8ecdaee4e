import { LruTable } from '../base/lru-table.ts';
import { fingerprintOf } from '../base/secret.ts';
import { KNOWN_ENDPOINTS } from '../wechat/endpoints.ts';

export interface EndpointLabels {
  /**
   * The label for a path (without its query): the path itself if it is known or frequent, otherwise `other`. `served`:
   * the platform answered it as an existing endpoint.
   */
  labelOf(path: string, served: boolean): string;
}

/** Frequent paths in addition to the known ones. They are never removed, because their series stay. */
export const FREQUENT_MAX = 100;
const SEEN_MIN = 10;
/** Paths being counted, by their digests; the least recently seen is evicted first. */
export const CANDIDATES_MAX = 500;

/**
 * A part of a documented path. Openids, tickets and order numbers must not match: they have letters of both cases or
 * are mostly digits, and a segment here has at most two digits.
 */
const SEGMENT = /\/(?=[a-z])(?!(?:[a-z_]*\d){3})[a-z0-9_]{1,40}/.source;
/** The shape of a documented path; of the documented folders, one has a hyphen. */
const PATH_SHAPE = new RegExp(`^(?:/cgi-bin|${SEGMENT})(?:${SEGMENT}){1,5}$`);

export function makeEndpointLabels(): EndpointLabels {
  const frequent = new Set<string>();
  const candidates = new LruTable<string, number>(CANDIDATES_MAX);
  const count = (path: string): void => {
    const key = fingerprintOf(path);
    const seen = (candidates.get(key) ?? 0) + 1;
    if (seen < SEEN_MIN) {
      candidates.set(key, seen);
    } else {
      candidates.delete(key);
      frequent.add(path);
    }
  };
  return {
    labelOf(path, served) {
      if (KNOWN_ENDPOINTS.has(path) || frequent.has(path)) return path;
      if (served && frequent.size < FREQUENT_MAX && PATH_SHAPE.test(path)) count(path);
      return 'other';
    },
  };
}
