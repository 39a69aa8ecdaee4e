import { createRequire } from 'node:module';
import type HttpProxy from 'http-proxy';

const require = createRequire(import.meta.url);

/** http-proxy takes hold of `util._extend` when it is loaded, which newer versions of Node deprecate aloud. */
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
