import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { freePort } from '../../support/free-port.ts';
import { findTool, type Run, runTool } from './tools.ts';

/** A kube-apiserver and its etcd on loopback, with nothing behind them: no controllers, no nodes. */
export interface Cluster {
  readonly origin: string;
  readonly port: number;
  /** PEM, of the API server's certificate. */
  readonly caFile: string;
  readonly folder: string;
  /** As an administrator. */
  kubectl(args: readonly string[], input?: string): Promise<Run>;
  /** The same; throws where it fails. */
  must(args: readonly string[], input?: string): Promise<string>;
  stop(): Promise<void>;
}

const ADMIN_TOKEN = 'a-token-of-the-administrator';
const START_MS_MAX = 120_000;

export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-cluster-'));
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await stopChild(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const output: string[] = [];
  const start = (tool: string, args: readonly string[]): void => {
    const child = spawn(findTool(tool) ?? tool, [...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (chunk: Buffer) => void output.splice(0, output.length - 50, chunk.toString()));
    children.push(child);
  };
  try {
    start('etcd', [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
      `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
      '--unsafe-no-fsync',
    ]);
    const files = await writeFiles(folder);
    start('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=10.9.9.9',
      `--tls-cert-file=${files.cert}`,
      `--tls-private-key-file=${files.key}`,
      `--cert-dir=${folder}`,
      `--token-auth-file=${files.tokens}`,
      `--service-account-key-file=${files.accountPublic}`,
      `--service-account-signing-key-file=${files.accountKey}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--authorization-mode=RBAC',
    ]);
    const cluster = clusterAt(port, files.cert, folder, stop);
    const deadlineMs = performance.now() + START_MS_MAX;
    while ((await cluster.kubectl(['get', '--raw', '/readyz'])).out !== 'ok') {
      if (performance.now() > deadlineMs)
        throw new Error(`The API server did not start:\n${output.join('')}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    return cluster;
  } catch (error) {
    await stop();
    throw error;
  }
}

function clusterAt(port: number, caFile: string, folder: string, stop: () => Promise<void>): Cluster {
  const origin = `https://127.0.0.1:${port}`;
  const how = [
    `--server=${origin}`,
    `--certificate-authority=${caFile}`,
    `--token=${ADMIN_TOKEN}`,
    `--cache-dir=${join(folder, 'kubectl')}`,
  ];
  const kubectl: Cluster['kubectl'] = (args, input) => runTool('kubectl', [...how, ...args], input);
  return {
    origin,
    port,
    caFile,
    folder,
    kubectl,
    async must(args, input) {
      const { code, out, err } = await kubectl(args, input);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${err}`);
      return out;
    },
    stop,
  };
}

interface Files {
  readonly cert: string;
  readonly key: string;
  readonly tokens: string;
  readonly accountKey: string;
  readonly accountPublic: string;
}

async function writeFiles(folder: string): Promise<Files> {
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  mkdirSync(join(folder, 'etcd'), { mode: 0o700 });
  const tls = await generate([{ name: 'commonName', value: 'kube-apiserver' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    curve: 'P-256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  const account = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    cert: write('apiserver.crt', tls.cert),
    key: write('apiserver.key', tls.private),
    tokens: write('tokens.csv', `${ADMIN_TOKEN},admin,admin,system:masters\n`),
    accountKey: write('account.key', account.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    accountPublic: write('account.pub', account.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}
