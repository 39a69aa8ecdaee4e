import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';

const FILE = new URL('../../src/server/inline-more.js', import.meta.url).href;

/** V8 writes a line about a flag that it does not know. */
async function complaintsOf(program: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', program]);
  return stdout + stderr;
}

test('this version of Node knows the limits of inlining', async (t) => {
  t.is(await complaintsOf(`import(${JSON.stringify(FILE)}).then((it) => it.inlineMore())`), '');
  const unknown = `require('node:v8').setFlagsFromString('--max-inlined-nothing=1')`;
  t.regex(await complaintsOf(unknown), /max-inlined-nothing/);
});
