import { OPENAPI_ENDPOINTS } from './endpoints/openapi.ts';
import { TOKEN_ENDPOINTS } from './endpoints/token.ts';
import { WELL_KNOWN_ENDPOINTS } from './endpoints/well-known.ts';
import type { Endpoint } from './world.ts';

/** Every path that the simulated platform knows; all others are 40066. */
export const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map(
  Object.entries({ ...WELL_KNOWN_ENDPOINTS, ...OPENAPI_ENDPOINTS, ...TOKEN_ENDPOINTS }),
);
