import { LruTable } from '../base/lru-table.ts';
import { fingerprintOf } from '../base/secret.ts';
import { KNOWN_ENDPOINTS } from '../wechat/endpoints.ts';

export interface EndpointLabels {
  /**
   * The label for a path (without its query): itself where it is a known or a frequent one, else
   * `other`. `served` says that the platform answered it as a call that exists.
   */
  labelOf(path: string, served: boolean): string;
}

/** Frequent paths beside the known ones. They are never given up again, since their series stay. */
export const FREQUENT_MAX = 100;
const SEEN_MIN = 10;
/** Paths that are being counted, by their digests; the least recently seen is forgotten first. */
export const CANDIDATES_MAX = 500;

/**
 * What a documented path looks like. Openids, tickets and order numbers must not get through: their
 * letters have both cases, or they are mostly digits, and a segment here has two digits at most.
 */
const PATH_SHAPE = /^(?:\/(?=[a-z])(?!(?:[a-z_]*\d){3})[a-z0-9_]{1,40}){2,6}$/;

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
