// Fetches what `npm run bench` compares the sidecar with, into .cache/bench: nginx with Lua, haproxy and
// wrk from Debian's packages (unpacked, not installed, so that no service starts), Node 24 from npm, and
// the peers in Go and Rust, if there are compilers. The bench names what is missing and skips it.
//
//   node scripts/bench-servers.mjs     (`npm run bench` does it first)
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const CACHE = join(import.meta.dirname, '../.cache');
const DEBIAN = join(CACHE, 'bench/debian');
const PACKAGES = {
  'usr/sbin/nginx': 'nginx',
  'usr/lib/nginx/modules/ndk_http_module.so': 'libnginx-mod-http-ndk',
  'usr/lib/nginx/modules/ngx_http_lua_module.so': 'libnginx-mod-http-lua',
  'usr/sbin/haproxy': 'haproxy',
  'usr/bin/wrk': 'wrk',
};

mkdirSync(DEBIAN, { recursive: true });
getDebianPackages();
getNode24();
buildGoPeer();
buildRustPeer();

function getDebianPackages() {
  const missing = Object.entries(PACKAGES).filter(([file]) => !existsSync(join(DEBIAN, file)));
  const names = missing.map(([, name]) => name);
  if (names.length === 0) return;
  // The package list is updated only if the download fails.
  const fetched = download(names) || (run('apt-get', 'update', '--quiet') && download(names));
  if (!fetched) console.log(`Left out, since apt-get cannot fetch them: ${names.join(', ')}`);
}

/** The packages, installed or not, and those of their dependencies that the system lacks. */
function download(names) {
  const cache = join(CACHE, 'bench/apt');
  mkdirSync(join(cache, 'archives/partial'), { recursive: true });
  const options = [`Dir::Cache=${cache}`, 'Debug::NoLocking=1', 'APT::Sandbox::User=root'];
  const flags = ['--yes', '--quiet', '--no-install-recommends', '--download-only', '--reinstall'];
  if (!run('apt-get', 'install', ...flags, ...options.flatMap((option) => ['-o', option]), ...names))
    return false;
  const archives = readdirSync(join(cache, 'archives')).filter((file) => file.endsWith('.deb'));
  return archives.every((file) => run('dpkg', '--extract', join(cache, 'archives', file), DEBIAN));
}

/** The same Node, in the same place, that the tests run on. */
function getNode24() {
  const ci = readFileSync(join(import.meta.dirname, '../.ci/run'), 'utf8');
  const version = /NODE24_VERSION=(\S+)/.exec(ci)?.[1];
  const folder = join(CACHE, `node-${version}`);
  const node = join(folder, 'bin/node');
  if (existsSync(node)) return;
  const name = `node-linux-${process.arch}`;
  const flags = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  mkdirSync(join(folder, 'bin'), { recursive: true });
  if (run('npm', 'install', '--prefix', folder, ...flags, `${name}@${version}`)) {
    rmSync(node, { force: true });
    symlinkSync(`../node_modules/${name}/bin/node`, node);
  } else {
    console.log('Left out, since npm cannot fetch it: Node 24');
  }
}

function buildGoPeer() {
  const source = join(import.meta.dirname, '../bench/peers/reverse-proxy.go');
  const built = run('go', 'build', '-o', join(CACHE, 'bench/reverse-proxy'), source);
  if (!built) console.log('Left out, since it cannot be built: the peer in Go');
}

function buildRustPeer() {
  const manifest = join(import.meta.dirname, '../bench/peers/rust/Cargo.toml');
  const target = join(CACHE, 'bench/rust');
  const flags = ['--release', '--locked', '--quiet', '--manifest-path', manifest, '--target-dir', target];
  if (!run('cargo', 'build', ...flags)) console.log('Left out, since it cannot be built: the peer in Rust');
}

function run(command, ...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0;
}
