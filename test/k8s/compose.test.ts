import test from 'ava';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/temporary.ts';
import { missingTools, runTool } from './support/tools.ts';

/** The loader of the Compose specification itself, with its schema: what `docker compose` reads files with. */
const missing = missingTools('compose-go');
const withLoader = missing === undefined ? test : test.skip;
const because = missing === undefined ? '' : ` (skipped: ${missing})`;

for (const name of ['sidecar', 'hub']) {
  const folder = `deploy/compose/${name}`;

  withLoader(
    `the Compose specification accepts ${folder}, with the demo over it and without${because}`,
    async (t) => {
      const whole = [`${folder}/compose.yaml`, `${folder}/demo.yaml`];
      for (const files of [whole.slice(0, 1), whole]) {
        const { code, out, err } = await runTool('compose-go', ['-format', 'json', ...files]);
        t.is(code, 0, err);
        const { services } = JSON.parse(out) as { services: Record<string, unknown> };
        t.is('simulator' in services, files.length === 2);
      }
    },
  );
}

withLoader(`a setting that the specification does not know would be found${because}`, async (t) => {
  const folder = join(temporaryFolder(t), 'bad');
  mkdirSync(folder);
  const file = join(folder, 'compose.yaml');
  const text = readFileSync('deploy/compose/sidecar/compose.yaml', 'utf8');
  writeFileSync(file, text.replace('read_only:', 'readonly:'));
  const { code, err } = await runTool('compose-go', [file]);
  t.not(code, 0);
  t.regex(err, /readonly/);
});
