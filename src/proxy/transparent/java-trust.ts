import { createHash } from 'node:crypto';

/** The JDK's own default; it guards against accidents and nothing else. */
const JAVA_TRUST_PASSWORD = 'changeit';

const MAGIC = 0xfeedfeed;
const VERSION = 2;
const TRUSTED_CERTIFICATE = 2;

/**
 * Certificates (DER) as a JKS trust store, which every JDK reads. Format: sun.security.provider.JavaKeyStore. Numbers
 * are big-endian, strings are prefixed with their length in two bytes, and a SHA-1 of the password and everything
 * before it comes last.
 */
export function javaTrustStore(certificates: readonly Buffer[], nowMs: number): Buffer {
  const entries = certificates.flatMap((der, index) => [
    uint32(TRUSTED_CERTIFICATE),
    text(`certificate-${index}`),
    uint64(nowMs),
    text('X.509'),
    uint32(der.length),
    der,
  ]);
  const content = Buffer.concat([uint32(MAGIC), uint32(VERSION), uint32(certificates.length), ...entries]);
  const digest = createHash('sha1')
    .update(Buffer.from(JAVA_TRUST_PASSWORD, 'utf16le').swap16())
    .update('Mighty Aphrodite')
    .update(content)
    .digest();
  return Buffer.concat([content, digest]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.trunc(value)));
  return bytes;
}

/** ASCII only, which Java's modified UTF-8 encodes unchanged. */
function text(value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([length, Buffer.from(value, 'ascii')]);
}
