import type { Log } from '../base/log.ts';

/** A TLS record that holds a handshake begins so, in every version since SSL 3. */
const HANDSHAKE = [0x16, 0x03] as const;

/** How a connection was refused, as node:http and node:tls say it. */
export interface ClientError {
  readonly code?: string | undefined;
  /** The bytes that the parser of HTTP stumbled over. */
  readonly rawPacket?: Buffer;
}

/**
 * Whoever calls https:// where http:// is served, or the reverse, sees an error of its TLS library that
 * leads nowhere; the log has the words.
 */
export function tellWrongProtocol(
  log: Log,
  setting: string,
): (error: ClientError, port: number | undefined) => void {
  return ({ code, rawPacket }, port) => {
    if (code === 'ERR_SSL_HTTP_REQUEST') {
      log.warn('plain HTTP received on an HTTPS port', { port, setting });
    } else if (rawPacket?.[0] === HANDSHAKE[0] && rawPacket[1] === HANDSHAKE[1]) {
      log.warn('TLS received on a plain HTTP port', { port, setting });
    }
  };
}
