import { realpathSync, statSync } from 'node:fs';
import { platform } from 'node:os';

/** The permissions of a file. */
export interface FileAccess {
  /** The permission bits. */
  readonly mode: number;
  /** The path after all links are resolved. */
  readonly realPath: string;
}

/** Undefined if there is no such file, or modes have no meaning on this system. */
export type AccessOf = (path: string) => FileAccess | undefined;

export const accessOnDisk: AccessOf = (path) => {
  if (platform() === 'win32') return undefined;
  try {
    const realPath = realpathSync(path);
    const seen = statSync(realPath);
    return seen.isFile() ? { mode: seen.mode & 0o777, realPath } : undefined;
  } catch {
    return undefined;
  }
};

const OTHERS_WRITE = 0o002;
const OTHERS_READ = 0o004;

/** A folder that the kubelet swaps through the link `..data`: a mounted Secret, ConfigMap or projected token. */
const KUBERNETES_VOLUME = /\/\.\.\d{4}_[\d_.]+\//;
/** Where Docker and Podman mount secrets, with mode 0444. */
const CONTAINER_SECRETS = /^(?:\/var)?\/run\/secrets\//;

export interface JudgedFile {
  /** The setting that names it. */
  readonly name: string;
  readonly path: string;
  readonly access: FileAccess;
  readonly isSecret: boolean;
  /** A container has no other users, and nobody chose the modes of its volumes. */
  readonly inPod: boolean;
}

/** A warning about a file that others can change, or one with a secret that others can read. */
export function accessWarning({ name, path, access, isSecret, inPod }: JudgedFile): string | undefined {
  const { mode, realPath } = access;
  const octal = mode.toString(8).padStart(4, '0');
  if ((mode & OTHERS_WRITE) !== 0) {
    return `${name}: every user of this machine may change ${path} (mode ${octal}): chmod o-w ${path}`;
  }
  if (!isSecret || (mode & OTHERS_READ) === 0) return undefined;
  if (inPod || KUBERNETES_VOLUME.test(realPath) || CONTAINER_SECRETS.test(realPath)) return undefined;
  return (
    `${name}: every user of this machine may read ${path} (mode ${octal}): chmod 600 ${path}, ` +
    'and let it belong to the user that this runs as'
  );
}
