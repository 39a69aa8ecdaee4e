/** Latin-1 text as bytes in memory of their own: a piece of the pool would keep 8 KiB of it for as long as it lives. */
export function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}

/** A copy in memory of its own. */
export function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
