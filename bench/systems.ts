/** The measured systems and what they are compared with. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, type Environment, freePort, startMeasured } from './children.ts';
import { imageEnvironment, imageOptions } from './image.ts';
import { nodes, programFile, programs, sourceFile } from './machine.ts';
import { VARIANTS } from './results.ts';
import { appidOf } from './scale-requests.ts';
import { APPID } from './shapes.ts';
import { type Upstream, writeConfig } from './upstream.ts';

export interface System {
  readonly name: string;
  /** Selected together by `--only`. */
  readonly family: string;
  readonly does: string;
  /** Whether it recovers from a dead token. */
  readonly replays: boolean;
  /** Whether Node's compilers need many calls before its figures are valid. */
  readonly warmsUp: boolean;
  /** Ready to start; undefined if this machine lacks it. */
  readonly prepare: ((place: Place) => Prepared) | undefined;
}

export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly upstream: Upstream;
}

interface Prepared {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
}

/** How a sidecar differs from the built one with default settings. */
interface Variant {
  readonly program?: string;
  readonly env?: (upstream: Upstream) => Environment;
}

export interface Started {
  readonly system: System;
  readonly port: number;
  readonly child: Child;
}

export interface WithAdmin extends Started {
  readonly adminPort: number;
}

const MAJORS = [20, 24];
const LOGGED: Variant = { env: () => ({ WECHAT_SIDECAR_ACCESS_LOG: 'all' }) };
const TRACED: Variant = { env: ({ plainUrl }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: plainUrl }) };

export const SYSTEMS: readonly System[] = [
  native('nginx', 'token', false, programs.nginx, nginx('nginx.conf')),
  native('nginx-lua', 'token, errcode, one replay', true, programs.nginxLua, nginx('nginx-lua.conf')),
  native('haproxy', 'token', false, programs.haproxy, (place) => {
    const config = writeConfig(place.folder, 'haproxy.cfg', valuesFor(place));
    return { program: programs.haproxy ?? '', args: ['-f', config], env: {} };
  }),
  compiled('go', programs.goPeer),
  compiled('rust', programs.rustPeer),
  ...MAJORS.map((major) => onNode('http-proxy', major, 'token', peer('http-proxy'))),
  ...newest().map((major) => onNode('reply-from', major, 'token', peer('reply-from'))),
  ...newest().map((major) => onNode('empty', major, 'nothing', peer('empty'))),
  ...MAJORS.map((major) => onNode('sidecar', major, 'all', sidecar())),
  ...newest().map((major) => onNode('sidecar-logged', major, 'all, access log', sidecar(LOGGED))),
  ...newest().map((major) => onNode('sidecar-traced', major, 'all, traces', sidecar(TRACED))),
];

/** Another build of the sidecar, such as an older one: the path of its `cli.js`. */
export function besideSystem(program: string): System {
  const [major = 0] = newest();
  return onNode('sidecar-beside', major, 'all', sidecar({ program }));
}

/** Starts it on its own port. */
export async function startSystem(system: System, folder: string, upstream: Upstream): Promise<Started> {
  if (system.prepare === undefined) throw new Error(`Cannot start ${system.name}: it is missing`);
  const port = await freePort();
  const { program, args, env } = system.prepare({ folder: join(folder, system.name), port, upstream });
  return { system, port, child: startMeasured(program, args, env) };
}

/** The sidecar on the newest Node, with so many accounts; the first is the default one. */
export async function startWithAccounts(
  folder: string,
  upstream: Upstream,
  accounts: number,
): Promise<WithAdmin> {
  const system = SYSTEMS.findLast(({ family }) => family === 'sidecar');
  if (system?.prepare === undefined) throw new Error('Cannot start the sidecar: it is missing');
  const [port, adminPort] = [await freePort(), await freePort()];
  const { program, args, env } = system.prepare({ folder, port, upstream });
  const { WECHAT_APPID: _, WECHAT_APPSECRET: secret = '', ...others } = env;
  const config = join(folder, 'settings.json');
  const apps = Array.from({ length: accounts }, (__, at) => ({ appid: appidOf(at), secret }));
  writeFileSync(config, JSON.stringify({ defaultApp: appidOf(0), apps }), { mode: 0o600 });
  const child = startMeasured(program, [...args, '--config', config], {
    ...others,
    WECHAT_SIDECAR_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
  });
  return { system, port, adminPort, child };
}

function native(
  name: string,
  does: string,
  replays: boolean,
  program: string | undefined,
  prepare: (place: Place) => Prepared,
): System {
  const isThere = program !== undefined;
  return { name, family: name, does, replays, warmsUp: false, prepare: isThere ? prepare : undefined };
}

function compiled(name: string, program: string | undefined): System {
  return native(name, 'token, errcode, one replay', true, program, (place) => ({
    program: program ?? '',
    args: [],
    env: { ...peerEnvironment(place), CA_FILE: place.upstream.caFile },
  }));
}

function onNode(
  family: string,
  major: number,
  does: string,
  prepare: (node: string) => (place: Place) => Prepared,
): System {
  const node = nodes().get(major);
  return {
    name: `${family}-${major}`,
    family,
    does,
    replays: family === 'sidecar' || VARIANTS.has(family),
    warmsUp: true,
    prepare: node === undefined ? undefined : prepare(node),
  };
}

/** One version of Node is enough for a system that no bar refers to. */
function newest(): number[] {
  return [Math.max(...nodes().keys())];
}

function nginx(template: string): (place: Place) => Prepared {
  return (place) => {
    const config = writeConfig(place.folder, template, {
      ...valuesFor(place),
      MODULES: programs.nginxModules ?? '',
      LUA_PATH: programs.luaPath,
    });
    return { program: programs.nginx ?? '', args: ['-p', place.folder, '-c', config], env: {} };
  };
}

function valuesFor({ port, upstream }: Place): Record<string, string | number> {
  return { PORT: port, UPSTREAM_PORT: upstream.port, CERTIFICATE: upstream.caFile, TOKEN: upstream.token };
}

function peer(name: string): (node: string) => (place: Place) => Prepared {
  const program = programFile(`./peers/${name}.js`);
  return (node) => (place) => ({ program: node, args: [program], env: peerEnvironment(place) });
}

function peerEnvironment({ port, upstream }: Place): Record<string, string> {
  return {
    PORT: `${port}`,
    TARGET: `https://127.0.0.1:${upstream.port}`,
    TOKEN: upstream.token,
    NODE_EXTRA_CA_CERTS: upstream.caFile,
  };
}

/** The built sidecar, as the image runs it. Its own errors have their own status, so that they count as errors. */
function sidecar({ program = sourceFile('dist/cli.js'), env }: Variant = {}): (
  node: string,
) => (place: Place) => Prepared {
  return (node) =>
    ({ port, upstream }) => ({
      program: node,
      args: [...imageOptions(), program, 'proxy'],
      env: {
        ...imageEnvironment(),
        WECHAT_APPID: APPID,
        WECHAT_APPSECRET: 'the-secret-of-the-bench',
        WECHAT_SIDECAR_UPSTREAMS: `https://127.0.0.1:${upstream.port}`,
        WECHAT_SIDECAR_TLS_CA_FILE: upstream.caFile,
        WECHAT_SIDECAR_LISTEN: `127.0.0.1:${port}`,
        WECHAT_SIDECAR_ADMIN_LISTEN: '127.0.0.1:0',
        WECHAT_SIDECAR_ERROR_STATUS: 'http',
        ...env?.(upstream),
      },
    });
}
