import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';

const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-image-'));
const built = image('build');

function image(what: 'build' | 'remove'): { status: number | null; words: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['test/k8s/image.sh', what, folder], {
    encoding: 'utf8',
  });
  return { status, words: status === 77 ? (stdout.trim().split('\n').at(-1) ?? '') : `${stdout}${stderr}` };
}

test.after.always(() => void image('remove'));

const whenBuilt = built.status === 77 ? test.skip : test.serial;
const suffix = built.status === 77 ? ` (SKIPPED: ${built.words})` : '';

const ENTRYPOINT = ['node', '--max-semi-space-size=1', '/app/dist/cli.js'];

interface Inspected {
  readonly OCIv1: { readonly config: ImageConfig };
}

interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, object>>;
}

whenBuilt(`the Dockerfile builds an image that runs as a numeric user and without a shell${suffix}`, (t) => {
  t.is(built.status, 0, built.words);
  const { config } = (JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Inspected).OCIv1;
  t.is(config.User, '65532:65532');
  t.deepEqual(config.Entrypoint, ENTRYPOINT);
  t.deepEqual(config.Cmd, ['proxy']);
  t.deepEqual(Object.keys(config.ExposedPorts).length, 5);
});

whenBuilt(
  `the image holds what runs with its licences, and nothing of what builds or tests${suffix}`,
  (t) => {
    const app = join(folder, 'root/app');
    t.deepEqual(readdirSync(app).toSorted(), ['LICENSE', 'dist', 'package.json', 'src']);
    t.regex(readFileSync(join(app, 'dist/THIRD-PARTY-NOTICES.txt'), 'utf8'), /^koa \d/m);
    // Of the sources, only what the hub serves as it is.
    const sources = readdirSync(join(app, 'src'), { recursive: true, withFileTypes: true });
    const files = sources.filter((entry) => entry.isFile()).map(({ name }) => name);
    t.deepEqual(files.toSorted(), readdirSync('src/hub/page/assets').toSorted());
  },
);

whenBuilt(
  `it serves on a read-only file system as a user that owns no files, and stops on SIGTERM${suffix}`,
  async (t) => {
    t.throws(() => writeFileSync(join(folder, 'root/app/x'), ''), { code: 'EROFS' });
    const child = spawn(
      'chroot',
      ['--userspec=65532:65532', join(folder, 'root'), ...ENTRYPOINT, 'simulator'],
      {
        env: {
          PATH: process.env['PATH'],
          WECHAT_SIDECAR_LISTEN: '127.0.0.1:0',
          WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const exited = once(child, 'exit');
    for await (const line of createInterface({ input: child.stdout })) {
      const { event, admin } = JSON.parse(line) as { event: string; admin?: string[] };
      if (event !== 'serving') continue;
      const health = await fetch(`http://${admin?.[0]}/livez`);
      t.is(health.status, 200);
      t.regex(readFileSync(`/proc/${child.pid}/status`, 'utf8'), /^Uid:\t65532\t65532/m);
      child.kill('SIGTERM');
    }
    t.deepEqual(await exited, [0, null]);
  },
);
