import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { randomKey } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';

/** The format prefix; base64url of nonce, tag and ciphertext follows. */
const FORMAT = 'aes-256-gcm/1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Everyone with the key text must derive the same key, so the salt is fixed. The cost compensates for
 * key texts that are too short; it is paid once, at startup.
 */
const SALT = 'wechat-sidecar token store';
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** Encrypts stored values. `associatedData` identifies the value and its place: elsewhere, decryption fails. */
export interface TokenCipher {
  encrypt(text: string, associatedData: string): string;
  /** Returns undefined if the text was encrypted with another key, for another place, or not at all. */
  decrypt(encrypted: string, associatedData: string): string | undefined;
}

/** AES-256-GCM with a key derived from the key text; without a key text, nothing is encrypted. */
export function makeTokenCipher(keyText: Secret | undefined): TokenCipher {
  if (keyText === undefined) {
    return { encrypt: (text) => text, decrypt: (text) => (isEncrypted(text) ? undefined : text) };
  }
  const key = scryptSync(keyText.reveal(), SALT, 32, COST);
  return {
    encrypt(text, associatedData) {
      const nonce = Buffer.from(randomKey(NONCE_BYTES), 'hex');
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(associatedData));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return FORMAT + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
    },
    decrypt: (encrypted, associatedData) =>
      isEncrypted(encrypted) ? decrypted(encrypted, associatedData, key) : undefined,
  };
}

export function isEncrypted(text: string): boolean {
  return text.startsWith(FORMAT);
}

function decrypted(encrypted: string, associatedData: string, key: Buffer): string | undefined {
  const bytes = Buffer.from(encrypted.slice(FORMAT.length), 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(associatedData))
    .setAuthTag(tag);
  try {
    const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
