import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { randomKey } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';

/** Names the layout: this, then base64url of nonce, tag and ciphertext. */
const FORMAT = 'aes-256-gcm/1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Everyone with the key text must come to the same key, so the salt is the product's. The cost makes
 * up for key texts that are shorter than they should be; it is paid once, at the start.
 */
const SALT = 'wechat-sidecar token store';
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** Encrypts what is stored. `associatedData` says what and where it is: elsewhere it cannot be decrypted. */
export interface TokenCipher {
  encrypt(text: string, associatedData: string): string;
  /** Undefined if it was encrypted with another key, for another place, or not at all. */
  decrypt(encrypted: string, associatedData: string): string | undefined;
}

/** AES-256-GCM with a key made from the key text; without one, everything stays as it is. */
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
