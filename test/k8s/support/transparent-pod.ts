import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEMO_APP } from '../../../src/simulator/accounts.ts';

/**
 * Runs in namespaces of its own, which stand in for a pod's: the hosts file leads the API's names to
 * loopback, and `/run` is empty. Starts a DNS server that knows the real address of the platform, the
 * platform there (simulated, over HTTPS), and the sidecar; then each client with the environment of an
 * injected container, twice, with the tokens ended in between. Writes what came of them as JSON.
 *
 * Its one argument is a file with `{ sidecar, container, clients }`: two environments and command lines.
 */
interface Task {
  readonly sidecar: Record<string, string>;
  readonly container: Record<string, string>;
  readonly clients: Record<string, readonly string[]>;
}

const CLI = fileURLToPath(new URL('../../../src/cli.js', import.meta.url));
const PLATFORM = '127.0.0.2';
const taskFile = process.argv[2] ?? '';
const task = JSON.parse(readFileSync(taskFile, 'utf8')) as Task;

serveDns();
const simulator = await startRole('simulator', {
  WECHAT_SIMULATOR_TLS: 'true',
  WECHAT_SIDECAR_LISTEN: `${PLATFORM}:443`,
  WECHAT_SIDECAR_ADMIN_LISTEN: `${PLATFORM}:3891`,
});
const authority = /"file":"([^"]+)"/.exec(simulator.output())?.[1] ?? '';
const sidecar = await startRole('proxy', {
  ...task.sidecar,
  WECHAT_APPID: DEMO_APP.appid,
  WECHAT_APPSECRET: DEMO_APP.secret,
  NODE_EXTRA_CA_CERTS: authority,
});
const results: Record<string, string[]> = {};
for (const [name, [program, ...args]] of Object.entries(task.clients)) {
  const first = await runClient(program ?? '', args);
  await run(
    'curl',
    [
      '-sS',
      '--cacert',
      authority,
      '-X',
      'POST',
      '--connect-to',
      `localhost:443:${PLATFORM}:443`,
      'https://localhost/__sim/expire',
    ],
    process.env,
  );
  results[name] = [first, await runClient(program ?? '', args)];
}
const metrics = await (await fetch('http://127.0.0.1:3881/metrics')).text();
writeFileSync(taskFile, JSON.stringify({ results, metrics, sidecar: sidecar.output() }));
process.exit(0);

function runClient(program: string, args: readonly string[]): Promise<string> {
  const { PATH = '', HOME = '/' } = process.env;
  return run(program, args, { PATH, HOME, ...task.container });
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, [...args], { env, timeout: 60_000 }, (error, out, err) =>
      resolve(error === null ? out : `failed: ${error.message} ${err}`),
    );
  });
}

async function startRole(role: string, env: Record<string, string>): Promise<{ output: () => string }> {
  const child = spawn(process.execPath, [CLI, role], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8');
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: string) => {
      output += text;
      if (output.includes('"event":"serving"')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${role} ended with ${code}: ${output}`)));
  });
  return { output: () => output };
}

/** Answers every question for an address with that of the platform, and every other one with nothing. */
function serveDns(): void {
  const server = createSocket('udp4');
  server.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const isForAddress = question.readUInt16BE(end - 4) === 1;
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x81_80, 2);
    head.writeUInt16BE(isForAddress ? 1 : 0, 6);
    head.writeUInt32BE(0, 8);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...PLATFORM.split('.').map(Number)]);
    const parts = [head, question.subarray(12, end), ...(isForAddress ? [record] : [])];
    server.send(Buffer.concat(parts), from.port, from.address);
  });
  server.bind(53, '127.0.0.1');
}
