import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import tls from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { API_HOSTS } from '../../wechat/hosts.ts';
import { javaTrustStore } from './java-trust.ts';

export interface TransparentFolders {
  /** Other programs of the pod read from here which authorities to trust. */
  readonly trust: string;
  /** For the sidecar alone; it outlives this process, as those programs do. */
  readonly key: string;
}

const SUBJECT = 'wechat-sidecar';
/** The name by which OpenSSL finds a certificate in a folder: a hash of that subject. */
const OPENSSL_NAME = '2b69def2.0';
/** Longer than any pod lives: programs read it once, at start. */
const LIFE_MS = 3_650 * 86_400_000;
const LEFT_MS_MIN = LIFE_MS / 2;

/**
 * The certificate for the platform's host names, and files that make programs of any kind trust it in addition to the
 * public authorities. One left by an earlier process is reused, because programs started under it know no other.
 * Returns the paths of certificate and key.
 */
export async function prepareTrust(
  folders: TransparentFolders,
  clock: Clock,
): Promise<{ certFile: string; keyFile: string }> {
  const files = { certFile: join(folders.key, 'tls.crt'), keyFile: join(folders.key, 'tls.key') };
  const nowMs = clock.unixMs();
  const kept = await readKept(files, nowMs);
  if (kept === undefined) {
    const { makeSelfSigned } = await import('../../server/self-signed.ts');
    const made = await makeSelfSigned(SUBJECT, [...API_HOSTS], nowMs, LIFE_MS);
    await mkdir(folders.key, { recursive: true });
    await put(files.keyFile, made.key.reveal(), 0o600);
    await put(files.certFile, made.certPem, 0o644);
    await publish(folders.trust, made.certPem, nowMs);
  } else await publish(folders.trust, kept, nowMs);
  return files;
}

/**
 * `wechat.pem` holds only ours, for programs that add it to their authorities (Node); `hashed/` is the same for OpenSSL
 * and Go, which read folders; `bundle.pem` and `trust.jks` include the public authorities, for programs that take one
 * file instead of their own (Python's requests, Java); `php/` is a folder of PHP settings, because its curl reads no
 * environment variable.
 */
async function publish(folder: string, certPem: string, nowMs: number): Promise<void> {
  const [hashed, php] = [join(folder, 'hashed'), join(folder, 'php')];
  const bundle = join(folder, 'bundle.pem');
  await mkdir(hashed, { recursive: true });
  await mkdir(php, { recursive: true });
  const all = [certPem, ...tls.rootCertificates.map((pem) => `${pem}\n`)];
  const ders = all.map((pem) => new X509Certificate(pem).raw);
  await put(join(folder, 'wechat.pem'), certPem, 0o644);
  await put(join(hashed, OPENSSL_NAME), certPem, 0o644);
  await put(bundle, all.join(''), 0o644);
  await put(join(php, 'wechat-sidecar.ini'), `curl.cainfo="${bundle}"\nopenssl.cafile="${bundle}"\n`, 0o644);
  await put(join(folder, 'trust.jks'), javaTrustStore(ders, nowMs), 0o644);
}

async function readKept(
  { certFile, keyFile }: { certFile: string; keyFile: string },
  nowMs: number,
): Promise<string | undefined> {
  try {
    const [certPem, keyPem] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    const certificate = new X509Certificate(certPem);
    const isOurs =
      certificate.checkPrivateKey(createPrivateKey(keyPem)) &&
      [...API_HOSTS].every((host) => certificate.checkHost(host) !== undefined) &&
      Date.parse(certificate.validTo) - nowMs > LEFT_MS_MIN;
    return isOurs ? certPem : undefined;
  } catch {
    // Missing or unreadable: a new one is created.
    return undefined;
  }
}

/** Atomic, because another program may be reading. */
async function put(path: string, content: string | Buffer, mode: number): Promise<void> {
  const next = `${path}.next`;
  await writeFile(next, content, { mode });
  await rename(next, path);
}
