/** The platform of the bench: one TLS upstream with keep-alive, cheap compared with what is measured. */
import { mkdirSync, writeFileSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { BINARY, JSON_4K, noted, PATHS, SMALL } from './bodies.ts';
import { freePort, portsOf, startBeside } from './children.ts';
import { programFile, programs, sourceFile } from './machine.ts';

export interface Upstream {
  readonly port: number;
  /** The certificate, which is its own authority. */
  readonly caFile: string;
  /** The same without TLS, which also takes traces. */
  readonly plainUrl: string;
  /** What serves it. */
  readonly what: string;
  /** The current token. */
  readonly token: string;
  /** The current token dies and is replaced by a new one. */
  newToken(): Promise<void>;
}

export async function startUpstream(folder: string): Promise<Upstream> {
  const { caFile, keyFile } = await writeCertificate(folder);
  const program = startBeside(process.execPath, [programFile('./platform.js'), caFile, keyFile]);
  const [tlsPort = 0, plainPort = 0] = await portsOf(program);
  const plain = `http://127.0.0.1:${plainPort}`;
  const answer = (await (await fetch(plain + PATHS.token)).json()) as { access_token: string };
  const nginx =
    programs.nginx === undefined ? undefined : await startNginx(folder, { caFile, keyFile, plainPort });
  return {
    port: nginx ?? tlsPort,
    caFile,
    plainUrl: plain,
    what: nginx === undefined ? 'node:https (nginx is missing, and would cost less)' : 'nginx',
    token: answer.access_token,
    newToken: async () => void (await (await fetch(plain + PATHS.newToken)).text()),
  };
}

/** A peer's configuration file with `@NAME@` replaced, in its own folder. */
export function writeConfig(
  folder: string,
  template: string,
  values: Readonly<Record<string, string | number>>,
): string {
  mkdirSync(folder, { recursive: true });
  const all: Readonly<Record<string, string | number>> = {
    ...values,
    FOLDER: folder,
    USER: userInfo().username,
  };
  const text = readFileSync(sourceFile(`bench/peers/${template}`), 'utf8');
  const file = join(folder, template);
  writeFileSync(
    file,
    text.replace(/@([A-Z0-9_]+)@/g, (_, name: string) => `${all[name] ?? ''}`),
  );
  return file;
}

async function startNginx(
  folder: string,
  { caFile, keyFile, plainPort }: { caFile: string; keyFile: string; plainPort: number },
): Promise<number> {
  const port = await freePort();
  const binary = join(folder, 'binary');
  writeFileSync(binary, BINARY);
  const config = writeConfig(join(folder, 'platform'), 'platform.nginx.conf', {
    PORT: port,
    PLAIN_PORT: plainPort,
    CERTIFICATE: caFile,
    KEY: keyFile,
    SMALL,
    NOTED: noted('$arg_note'),
    JSON_4K,
    BINARY: binary,
  });
  startBeside(programs.nginx ?? '', ['-p', folder, '-c', config]);
  return port;
}

async function writeCertificate(folder: string): Promise<{ caFile: string; keyFile: string }> {
  const made = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    curve: 'P-256',
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
          // http-proxy takes the expected name from the Host of the call.
          { type: 2, value: 'api.weixin.qq.com' },
        ],
      },
    ],
  });
  const [caFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  writeFileSync(caFile, made.cert);
  writeFileSync(keyFile, made.private, { mode: 0o600 });
  return { caFile, keyFile };
}
