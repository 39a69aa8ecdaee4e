/** What this machine can measure, and on which cores programs run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** CPU and memory use is read from /proc. */
export const isLinux = process.platform === 'linux';

/** The root of the project; this file runs compiled, two folders below it. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CACHE = join(ROOT, '.cache');
const DEBIAN = join(CACHE, 'bench/debian');

/** A file of the source tree. */
export function sourceFile(path: string): string {
  return join(ROOT, path);
}

/** A compiled program of the bench. */
export function programFile(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** What scripts/bench-servers.mjs fetched or built; undefined if it could not. */
export const programs = {
  nginx: ifThere(join(DEBIAN, 'usr/sbin/nginx')),
  nginxModules: ifThere(join(DEBIAN, 'usr/lib/nginx/modules')),
  nginxLua: ifThere(join(DEBIAN, 'usr/lib/nginx/modules/ngx_http_lua_module.so')),
  luaPath: join(DEBIAN, 'usr/share/lua/5.1'),
  haproxy: ifThere(join(DEBIAN, 'usr/sbin/haproxy')),
  wrk: ifThere(join(DEBIAN, 'usr/bin/wrk')),
  goPeer: ifThere(join(CACHE, 'bench/reverse-proxy')),
  rustPeer: ifThere(join(CACHE, 'bench/rust/release/rust-peer')),
};

/** The libraries of those programs. */
export const libraryPath = ['x86_64', 'aarch64']
  .flatMap((machine) => [`usr/lib/${machine}-linux-gnu`, `lib/${machine}-linux-gnu`])
  .map((path) => join(DEBIAN, path))
  .filter((path) => existsSync(path))
  .join(':');

/** Whether it is one of Debian's programs, which need those libraries. */
export function isUnpacked(program: string): boolean {
  return program.startsWith(DEBIAN);
}

/** The Node programs by major version: the current one, and the fetched one. */
export function nodes(): Map<number, string> {
  const found = new Map<number, string>();
  if (existsSync(CACHE)) {
    for (const folder of readdirSync(CACHE).toSorted()) {
      const major = /^node-(\d+)\./.exec(folder)?.[1];
      const node = join(CACHE, folder, 'bin/node');
      if (major !== undefined && existsSync(node)) found.set(Number(major), node);
    }
  }
  return found.set(Number(process.versions.node.split('.')[0]), process.execPath);
}

/** One core for what is measured, the others for what measures; undefined without taskset or a second core. */
export interface Cores {
  readonly measured: string;
  readonly others: string;
}

export function findCores(): Cores | undefined {
  if (!isLinux) return undefined;
  const status = readFileSync('/proc/self/status', 'utf8');
  const [first, ...others] = listCores(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
  const taskset = (process.env['PATH'] ?? '').split(':').some((path) => existsSync(join(path, 'taskset')));
  if (!taskset || first === undefined || others.length === 0) return undefined;
  return { measured: `${first}`, others: others.join(',') };
}

/** Parses `0-2,5` as 0, 1, 2, 5. */
function listCores(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [from = NaN, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 || 0 }, (_, at) => from + at);
  });
}

function ifThere(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}
