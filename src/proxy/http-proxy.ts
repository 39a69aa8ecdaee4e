import { createRequire } from 'node:module';
import type HttpProxy from 'http-proxy';

const require = createRequire(import.meta.url);

/** http-proxy reads `util._extend` when it is loaded, which prints a deprecation warning in newer versions of Node. */
function loaded(): typeof HttpProxy {
  const util = require('node:util') as { _extend: unknown };
  const extend = util._extend;
  util._extend = Object.assign;
  try {
    return require('http-proxy') as typeof HttpProxy;
  } finally {
    util._extend = extend;
  }
}

export const httpProxy: typeof HttpProxy = loaded();
