import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type Server } from 'node:tls';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { ListenError } from './listen-error.ts';
import { watchFiles } from './watch-files.ts';

/** A certificate that nobody replaces is looked at again this often. */
const DATES_MS = 3_600_000;

export interface CertificateFiles {
  /** PEM: the server's certificate, then those between it and the root. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
}

export interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface KeptCertificate {
  pair(): Pair;
  /** This server gets every later pair too. */
  serve<S extends Server>(server: S): S;
  close(): void;
}

/**
 * Reads the pair, and again whenever the files change. A pair that does not fit together is refused
 * and the one before it stays in force. Throws a `ListenError` where the first pair is unusable.
 */
export function keepCertificate(
  files: CertificateFiles,
  setting: string,
  clock: Clock,
  log: Log,
): KeptCertificate {
  let current = firstPair(files, setting);
  let refusedDetail: string | undefined;
  const servers: Server[] = [];
  const refuse = (detail: string): void => {
    // Polling sees the same bad pair again and again; it is told once.
    if (detail === refusedDetail) return;
    refusedDetail = detail;
    log.error('The new certificate was refused; the old one stays in force', {
      certFile: files.certFile,
      keyFile: files.keyFile,
      detail,
    });
  };
  let warned: string | undefined;
  let timer: Timer | undefined;
  const lookAtDates = (): void => {
    const warning = warningOf(current.cert, clock.wallMs());
    if (warning !== undefined && warning.event !== warned) {
      log.error(warning.event, { certFile: files.certFile, ...warning.fields });
    }
    warned = warning?.event;
    timer?.cancel();
    timer = clock.after(DATES_MS, lookAtDates);
  };
  lookAtDates();
  const look = (): void => {
    const next = readPair(files);
    if (next.kind === 'unusable') {
      refuse(next.detail);
      return;
    }
    refusedDetail = undefined;
    if (next.pair.cert.equals(current.cert) && next.pair.key.equals(current.key)) return;
    current = next.pair;
    for (const server of servers) server.setSecureContext(current);
    log.info('The certificate was read again', { certFile: files.certFile });
    warned = undefined;
    lookAtDates();
  };
  const watching = watchFiles([files.certFile, files.keyFile], clock, look);
  return {
    pair: () => current,
    serve: (server) => {
      servers.push(server);
      return server;
    },
    close: () => {
      timer?.cancel();
      watching.close();
    },
  };
}

interface DateWarning {
  readonly event: string;
  readonly fields: { readonly validFrom: string; readonly validTo: string };
}

/** It is served all the same: those who connect may trust it, and their clock may be right. */
function warningOf(cert: Buffer, nowUnixMs: number): DateWarning | undefined {
  const { validFrom, validTo } = new X509Certificate(cert);
  const fields = { validFrom, validTo };
  if (nowUnixMs > Date.parse(validTo)) return { event: 'The certificate has expired: renew it', fields };
  if (nowUnixMs >= Date.parse(validFrom)) return undefined;
  return { event: 'The certificate is not valid yet: see to it, or to the clock', fields };
}

function firstPair(files: CertificateFiles, setting: string): Pair {
  const read = readPair(files);
  if (read.kind === 'pair') return read.pair;
  throw new ListenError(
    read.code,
    `Cannot serve HTTPS for ${setting} with ${files.certFile} and ${files.keyFile}: ${read.detail}`,
    undefined,
  );
}

type ReadPair =
  | { readonly kind: 'pair'; readonly pair: Pair }
  | { readonly kind: 'unusable'; readonly code: string; readonly detail: string };

function readPair(files: CertificateFiles): ReadPair {
  try {
    const pair = { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) };
    createSecureContext(pair);
    return { kind: 'pair', pair };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { kind: 'unusable', code: code ?? 'unknown', detail: message };
  }
}
