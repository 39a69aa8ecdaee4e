import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { copyOf } from '../base/copy-of.ts';
import { lastRead, READ_BUFFER } from '../base/read-buffer.ts';

type OnRead = (length: number) => boolean;

/**
 * Lets an accepted socket read into the one buffer. `onBytes` gets bytes that are valid until it returns. Returns what makes
 * the socket an ordinary stream again, or undefined if it is one and has to be read by its `data` events.
 *
 * Node has this for sockets that connect (`onread`) and not for those of a server. So this sets on the socket what
 * `onread` would have set; on a Node that keeps it elsewhere, nothing is set.
 */
export function readIntoOneBuffer(
  socket: Socket,
  onBytes: (bytes: Buffer) => void,
): (() => void) | undefined {
  const fields = FIELDS;
  // What has been read already can be had from the stream only.
  if (socket.readableLength > 0) return undefined;
  const { _handle: handle } = socket as unknown as { _handle?: { useUserBuffer?: (buffer: Buffer) => void } };
  if (fields === undefined || typeof handle?.useUserBuffer !== 'function') return undefined;
  const state = socket as unknown as Record<symbol, unknown>;
  let onRead: OnRead = (length) => {
    onBytes(lastRead(length));
    return true;
  };
  handle.useUserBuffer(READ_BUFFER);
  state[fields.buffer] = READ_BUFFER;
  state[fields.callback] = (length: number) => onRead(length);
  return () => {
    onRead = (length) => socket.push(copyOf(lastRead(length)));
  };
}

const FIELDS = fieldsOfOnread();

/** Where this Node keeps `onread`: undefined if not where the versions that we know do. */
function fieldsOfOnread(): { readonly buffer: symbol; readonly callback: symbol } | undefined {
  const callback = (): boolean => true;
  const buffer = Buffer.alloc(1);
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = { onread: { buffer, callback } };
  const probe = new Socket(options);
  const state = probe as unknown as Record<symbol, unknown>;
  const symbols = Object.getOwnPropertySymbols(probe);
  const found = {
    buffer: symbols.find((symbol) => state[symbol] === buffer),
    callback: symbols.find((symbol) => state[symbol] === callback),
  };
  const isKnown = symbols.some((symbol) => symbol.description === 'kBufferGen' && state[symbol] === null);
  if (!isKnown || found.buffer === undefined || found.callback === undefined) return undefined;
  return { buffer: found.buffer, callback: found.callback };
}
