import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadSettings, readTextFile } from '../../src/settings/load.ts';

test('the digest is that of the files as long as nothing about them changes', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [config, secret, absent] = ['a.yaml', 'secret', 'absent.pem'].map((name) => join(folder, name));
  const put = (file = '', text: string): void => writeFileSync(file, text, { mode: 0o600 });
  put(config, `apps: [{ appid: abc, secretFile: ${secret} }]\ntls: { caFile: ${absent} }\n`);
  put(secret, 'one');
  const load = (): ReturnType<typeof loadSettings> =>
    loadSettings({ env: {}, role: 'proxy', configFile: config }, readTextFile);

  const changes: Record<string, () => void> = {
    'a file that it names': () => put(secret, 'two'),
    'the settings file': () => put(config, `apps: [{ appid: abc, secretFile: ${secret} }]\n`),
    'who may read it': () => chmodSync(secret ?? '', 0o640),
    'a file that is missing': () => rmSync(secret ?? ''),
    'a file that is there again': () => put(secret, 'two'),
    'a settings file that is missing': () => rmSync(config ?? ''),
  };
  for (const [what, change] of Object.entries(changes)) {
    const { digest, digestNow } = load();
    t.is(digestNow(), digest, what);
    t.is(digestNow(), digest, what);
    change();
    t.not(digestNow(), digest, what);
  }
});
