import { request } from 'node:http';
import { readAtMost } from '../base/bounded-bytes.ts';
import { fieldsOf, parseJson } from '../base/json.ts';
import type { Finding } from './check.ts';
import type { LocalPorts } from '../roles/local-ports.ts';
import type { Settings } from '../settings/settings.ts';
import type { HostPort } from '../settings/types.ts';
import { reachable } from './shutdown.ts';

/** A local process of ours, as its admin port describes it. */
export interface LocalProcess {
  readonly role: string;
  readonly version: string;
  readonly admin: HostPort;
}

const TIMEOUT_MS = 2_000;
const BODY_BYTES_MAX = 64 * 1024;

/** Enough for a hub with thousands of accounts. */
const STATUS_BYTES_MAX = 16 * 1024 * 1024;

/** Processes on admin ports that nobody configured. Ports of processes that have exited are forgotten. */
export async function findLocalProcesses(ports: LocalPorts): Promise<readonly LocalProcess[]> {
  const found = await Promise.all(
    (await ports.list()).map(async (port) => {
      const outcome = await processAt({ host: '127.0.0.1', port });
      if (outcome === 'nobody') await ports.remove(port);
      return typeof outcome === 'object' ? outcome : undefined;
    }),
  );
  return found.filter((it) => it !== undefined).toSorted((a, b) => a.admin.port - b.admin.port);
}

/** The process behind the configured admin port, else those on unconfigured ports, else that on the default port. */
export async function localProcesses(
  { adminListen, adminPortMayMove }: Settings,
  ports: LocalPorts,
): Promise<readonly LocalProcess[]> {
  const found = adminPortMayMove ? await findLocalProcesses(ports) : [];
  if (found.length > 0) return found;
  const one = await processAt({ host: reachable(adminListen.host), port: adminListen.port });
  return typeof one === 'object' ? [one] : [];
}

/** Its `/status`; undefined if it does not respond. */
export async function statusOf({ admin }: LocalProcess): Promise<unknown> {
  const got = await get(admin, '/status', STATUS_BYTES_MAX);
  return typeof got === 'object' && got.status === 200 ? parseJson(got.body) : undefined;
}

/** The local processes for `check`, one finding each. If nothing runs, that is not a problem. */
export async function checkLocalProcesses(
  { adminListen, adminPortMayMove }: Settings,
  ports: LocalPorts,
): Promise<readonly Finding[]> {
  const set = { host: reachable(adminListen.host), port: adminListen.port };
  const found = adminPortMayMove ? await findLocalProcesses(ports) : [await processAt(set)];
  return Promise.all(found.filter((it) => typeof it === 'object').map(checkProcess));
}

/** Whether it is ready. */
export async function checkProcess(it: LocalProcess): Promise<Finding> {
  return findingOf(it, await get(it.admin, '/readyz?verbose'));
}

function findingOf({ role, version, admin }: LocalProcess, ready: Got | 'nobody' | undefined): Finding {
  const what = `A ${role} (${version}) runs on this machine, with its admin port at ${admin.host}:${admin.port}`;
  if (typeof ready !== 'object') return { level: 'warning', text: `${what}, which does not respond.` };
  if (ready.status === 200) return { level: 'ok', text: `${what}, and is ready.` };
  const failed = ready.body.split('\n').filter((line) => line.startsWith('[-]'));
  return { level: 'warning', text: `${what}, and is not ready: ${failed.join('; ').replaceAll('[-]', '')}.` };
}

async function processAt(admin: HostPort): Promise<LocalProcess | 'nobody' | undefined> {
  if (admin.port === 0) return undefined;
  const got = await get(admin, '/version');
  if (typeof got !== 'object') return got;
  const { role, version } = fieldsOf(parseJson(got.body));
  if (typeof role !== 'string' || typeof version !== 'string') return undefined;
  return { role: role.slice(0, 20), version: version.slice(0, 40), admin };
}

interface Got {
  readonly status: number;
  readonly body: string;
}

/** `nobody`: nothing listens there. */
function get(
  { host, port }: HostPort,
  path: string,
  bytesMax = BODY_BYTES_MAX,
): Promise<Got | 'nobody' | undefined> {
  return new Promise((resolve) => {
    const call = request({ host, port, path, timeout: TIMEOUT_MS, agent: false });
    call.on('response', (response) => {
      readAtMost(response, bytesMax).then(
        (body) => {
          if (body === undefined) call.destroy();
          resolve(body && { status: response.statusCode ?? 0, body: body.toString('utf8') });
        },
        () => resolve(undefined),
      );
    });
    call.on('timeout', () => call.destroy());
    call.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNREFUSED' ? 'nobody' : undefined);
    });
    call.end();
  });
}
