import type { Log } from '../base/log.ts';

/** How a TLS handshake record begins, in every version since SSL 3. */
const HANDSHAKE = [0x16, 0x03] as const;

/** A refused connection, as node:http and node:tls report it. */
export interface ClientError {
  readonly code?: string | undefined;
  /** The bytes that the HTTP parser rejected. */
  readonly rawPacket?: Buffer;
}

/**
 * A caller that uses https:// on an http:// port, or the reverse, sees an unhelpful error of its TLS library; the log
 * explains it.
 */
export function reportWrongProtocol(
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
