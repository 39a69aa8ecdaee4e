// Prints the files of the COUNT tests that failed according to AVA's LOG; nothing if anything else failed too.
//   node .ci/failed-files.mjs LOG BUILD COUNT
import { existsSync, readFileSync } from 'node:fs';

const [log, build, count] = process.argv.slice(2);
const failures = readFileSync(log, 'utf8')
  .split('\n')
  .filter((line) => /^\s*✘ /.test(line));
const files = failures.map((line) => fileOf(line));
if (files.length === Number(count) && !files.includes(undefined)) console.log([...new Set(files)].join('\n'));

/** `✘ [fail]: proxy › healing › a title` is in test/proxy/healing.test.js. */
function fileOf(line) {
  const [, where] = /^\s*✘ \[fail\]: (.*)$/.exec(line) ?? [];
  const parts = where?.split(' › ') ?? [];
  const possible = parts.map((_, at) => `${build}/test/${parts.slice(0, at + 1).join('/')}.test.js`);
  return possible.findLast((file) => existsSync(file));
}
