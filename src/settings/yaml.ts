import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';

const require = createRequire(import.meta.url);

/** Loaded for the first file: it is large, and most sidecars are set up by their environment alone. */
export function yaml(): typeof Yaml {
  return require('yaml') as typeof Yaml;
}
