import { Beginnings } from './beginnings.ts';
import { copyOf } from './copy-of.ts';

/** As much as Node reads at once by itself. TLS delivers at most one record at a time, of 16 KiB. */
const READ_BYTES_MAX = 64 * 1024;

/**
 * The connections of the express lane and those to platform and hub are read into this buffer, which saves a buffer, its
 * collection and a pass through the stream for each read. (Not those through an egress proxy.) What is read must be processed
 * before the next read, or copied; nothing may make a connection read while another read is being processed.
 */
export const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(READ_BYTES_MAX);
const READ_MEMORY = READ_BUFFER.buffer;
const read = new Beginnings(READ_BUFFER);

/** The bytes of the last read. */
export function lastRead(length: number): Buffer {
  return read.upTo(length);
}

/** A copy, if these bytes are in the buffer that is read into. */
export function copyIfShared(bytes: Buffer): Buffer {
  return bytes.buffer === READ_MEMORY ? copyOf(bytes) : bytes;
}
