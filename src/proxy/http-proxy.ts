import { createRequire } from 'node:module';
import type HttpProxy from 'http-proxy';

const require = createRequire(import.meta.url);

/**
 * Loaded for the first call that passes through. http-proxy reads `util._extend` then, which would print a deprecation
 * warning in newer versions of Node.
 */
export function httpProxy(): typeof HttpProxy {
  const util = require('node:util') as { _extend: unknown };
  const extend = util._extend;
  util._extend = Object.assign;
  try {
    return require('http-proxy') as typeof HttpProxy;
  } finally {
    util._extend = extend;
  }
}
