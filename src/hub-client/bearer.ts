import { open } from 'node:fs/promises';
import { Secret } from '../base/secret.ts';

export type Bearer =
  | { readonly kind: 'bearer'; readonly value: Secret }
  /** `why` names the file and contains none of its content. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** A projected token has about 1 KiB; a longer file than this is not a credential. */
const BEARER_BYTES_MAX = 16 * 1024;

/** Reads the credential for the hub. Kubernetes renews the file, so call this for each use. */
export async function readBearer(path: string): Promise<Bearer> {
  const unreadable = (why: string): Bearer => ({ kind: 'unreadable', why });
  let text: string;
  try {
    text = await readStart(path, BEARER_BYTES_MAX + 1);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    return unreadable(code === 'ENOENT' ? `there is no file ${path}` : `cannot read ${path} (${code})`);
  }
  const value = text.trim();
  if (value === '') return unreadable(`the file ${path} is empty`);
  if (text.length > BEARER_BYTES_MAX) return unreadable(`the file ${path} is too long for a credential`);
  // Other characters are invalid in a header.
  if (!/^[\x21-\x7e]+$/.test(value)) return unreadable(`the file ${path} contains more than one word`);
  return { kind: 'bearer', value: new Secret(value) };
}

async function readStart(path: string, bytesMax: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}
