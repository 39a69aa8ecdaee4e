import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { accessOnDisk } from '../../src/settings/file-access.ts';
import { loadSettings, readTextFile } from '../../src/settings/load.ts';
import { settingsSchema } from '../../src/settings/schema.ts';
import { acceptedBy, filePath } from '../../src/settings/types.ts';
import type { Role } from '../../src/settings/role.ts';
import { APPID, APPSECRET } from '../support/settings-source.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Machine {
  /** The path of a file of this mode. */
  put(name: string, text: string, mode: number): string;
  /** What is said about the modes of files. */
  said(env: Record<string, string>, role?: Role): string[];
}

function machine(t: Parameters<typeof temporaryFolder>[0]): Machine {
  const folder = temporaryFolder(t);
  return {
    put(name, text, mode) {
      const path = join(folder, name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text);
      // Past the umask.
      chmodSync(path, mode);
      return path;
    },
    said({ WECHAT_SIDECAR_CONFIG: configFile, ...env }, role = 'proxy') {
      const loaded = loadSettings({ env, role, configFile }, readTextFile);
      if (loaded.kind === 'bad') throw new Error(loaded.problems.join('\n'));
      return loaded.warnings.filter((warning) => warning.includes('every user of this machine'));
    },
  };
}

const secretIn = (path: string): Record<string, string> => ({
  WECHAT_APPID: APPID,
  WECHAT_APPSECRET_FILE: path,
});

test('a secret that others may read causes a warning with its file, its mode and what to do', (t) => {
  const { put, said } = machine(t);
  const path = put('secret', APPSECRET, 0o644);
  t.deepEqual(said(secretIn(path)), [
    `WECHAT_APPSECRET_FILE: every user of this machine may read ${path} (mode 0644): chmod 600 ${path}, ` +
      'and let it belong to the user that this runs as',
  ]);
  for (const mode of [0o600, 0o400, 0o640, 0o660, 0o440]) {
    chmodSync(path, mode);
    t.deepEqual(said(secretIn(path)), [], mode.toString(8));
  }
});

test('a file that others may change causes a warning, wherever it is', (t) => {
  const { put, said } = machine(t);
  const path = put('secret', APPSECRET, 0o602);
  const expected = `WECHAT_APPSECRET_FILE: every user of this machine may change ${path} (mode 0602): chmod o-w ${path}`;
  t.deepEqual(said(secretIn(path)), [expected]);
  t.deepEqual(said({ ...secretIn(path), KUBERNETES_SERVICE_HOST: '10.0.0.1' }), [expected]);
});

test('in a pod and in Kubernetes volumes, readable secrets are normal', (t) => {
  const { put, said } = machine(t);
  const path = put('..2024_05_06_07_08_09.123456789/secret', APPSECRET, 0o644);
  const link = join(path, '../../secret');
  symlinkSync('..2024_05_06_07_08_09.123456789', join(path, '../../..data'));
  symlinkSync('..data/secret', link);
  t.deepEqual(said(secretIn(link)), []);
  const mountedAlone = put('sub/secret', APPSECRET, 0o644);
  t.is(said(secretIn(mountedAlone)).length, 1);
  t.deepEqual(said({ ...secretIn(mountedAlone), KUBERNETES_SERVICE_HOST: '10.0.0.1' }), []);
});

test('every file with a secret is checked, also those that are read later', (t) => {
  const { put, said } = machine(t);
  const open = (name: string, text = 'k'.repeat(24)): string => put(name, text, 0o644);
  const [app, client, store, key, cert] = ['app', 'client', 'store', 'tls.key', 'tls.crt'].map((name) =>
    open(name, name === 'app' ? APPSECRET : undefined),
  );
  const config = open(
    'hub.yaml',
    `apps: [{ appid: ${APPID}, secretFile: ${app} }]
clients: [{ name: a, keyFile: ${client}, apps: ["*"] }]
store: { url: 'file:/nowhere', encryptionKeyFile: ${store} }
tls: { certFile: ${cert}, keyFile: ${key} }`,
  );
  const names = said({ WECHAT_SIDECAR_CONFIG: config }, 'hub').map((line) => line.split(' ')[0] ?? '');
  t.deepEqual(
    names.toSorted((a, b) => a.localeCompare(b)),
    ['apps[0].secretFile', 'clients[0].keyFile', 'store.encryptionKeyFile', 'tls.keyFile'],
  );
  const hub = { WECHAT_SIDECAR_HUB_URL: 'https://hub', WECHAT_SIDECAR_HUB_TOKEN_FILE: open('token') };
  t.regex(
    said(hub).join('\n'),
    /^WECHAT_SIDECAR_HUB_TOKEN_FILE: every user .* may read \S+token \(mode 0644\)/,
  );
  t.deepEqual(said({ ...hub, WECHAT_SIDECAR_HUB_TOKEN_FILE: '/nowhere' }), []);
});

test('a settings file is checked if it contains a secret, and for who may change it', (t) => {
  const { put, said } = machine(t);
  const app = (more: string): string => `apps: [{ appid: ${APPID}, ${more} }]`;
  const file = put('secret', APPSECRET, 0o600);
  for (const [mode, text, expected] of [
    [0o644, app(`secret: ${APPSECRET}`), /^the settings file: .* may read/],
    [0o644, `${app(`secretFile: ${file}`)}\nstore: redis://:pw@localhost`, /^the settings file: .* may read/],
    [0o644, app(`secretFile: ${file}`), /^$/],
    [0o600, app(`secret: ${APPSECRET}`), /^$/],
    [0o646, app(`secretFile: ${file}`), /^the settings file: .* may change/],
  ] as const) {
    const path = put('a.yaml', text, mode);
    t.regex(said({ WECHAT_SIDECAR_CONFIG: path }).join('\n'), expected, `${mode.toString(8)} ${text}`);
  }
});

test('each setting that names a file declares whether it contains a secret', (t) => {
  const unsaid = settingsSchema().settings.filter(
    (setting) =>
      setting.accepted === acceptedBy(filePath) && setting.file === undefined && setting.key.endsWith('File'),
  );
  t.deepEqual(
    unsaid.map(({ key }) => key),
    [],
  );
});

test('a missing file, or anything other than a file, has no mode to check', (t) => {
  const folder = temporaryFolder(t);
  t.is(accessOnDisk(folder), undefined);
  t.is(accessOnDisk(join(folder, 'nothing')), undefined);
});
