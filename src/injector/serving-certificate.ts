import type { KeptCertificate, Pair } from '../server/certificate.ts';
import { expiresAtMs } from './certificate-plan.ts';
import type { WebhookCertificate } from './certificate.ts';

/** The certificate for new connections; existing ones keep theirs. */
export class ServingCertificate implements KeptCertificate {
  readonly #servers: Parameters<KeptCertificate['serve']>[0][] = [];
  #pair: Pair;

  constructor(first: WebhookCertificate) {
    this.#pair = pairOf(first);
  }

  pair(): Pair {
    return this.#pair;
  }

  serve: KeptCertificate['serve'] = (server) => {
    this.#servers.push(server);
    return server;
  };

  show(certificate: WebhookCertificate): void {
    this.#pair = pairOf(certificate);
    for (const server of this.#servers) server.setSecureContext(this.#pair);
  }

  close(): void {
    // There is nothing to close.
  }
}

/** Unix time in milliseconds. */
export function endOf({ cert }: Pair): number {
  return expiresAtMs(cert.toString());
}

function pairOf({ certPem, key }: WebhookCertificate): Pair {
  return { cert: Buffer.from(certPem), key: Buffer.from(key.reveal()) };
}
