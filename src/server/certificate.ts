import { readFileSync } from 'node:fs';
import { createSecureContext, type Server } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { CertificateDates } from './certificate-dates.ts';
import { ListenError } from './listen-error.ts';
import { watchFiles } from './watch-files.ts';

export interface CertificateFiles {
  /** PEM: the server's certificate, then the intermediates. */
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
 * Reads the pair, and again whenever the files change. A pair that does not match is rejected and the previous one
 * stays in use. Throws a `ListenError` if the first pair is unusable.
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
    // Polling sees the same bad pair repeatedly; it is logged once.
    if (detail === refusedDetail) return;
    refusedDetail = detail;
    log.error('new certificate rejected; the old one stays in force', {
      certFile: files.certFile,
      keyFile: files.keyFile,
      detail,
    });
  };
  const dates = new CertificateDates(files.certFile, clock, log);
  dates.check(current.cert);
  const reload = (): void => {
    const next = readPair(files);
    if (next.kind === 'unusable') {
      refuse(next.detail);
      return;
    }
    refusedDetail = undefined;
    if (next.pair.cert.equals(current.cert) && next.pair.key.equals(current.key)) return;
    current = next.pair;
    for (const server of servers) server.setSecureContext(current);
    log.info('certificate reloaded', { certFile: files.certFile });
    dates.check(current.cert);
  };
  const watching = watchFiles([files.certFile, files.keyFile], clock, reload);
  return {
    pair: () => current,
    serve: (server) => {
      servers.push(server);
      return server;
    },
    close: () => {
      dates.close();
      watching.close();
    },
  };
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
