import type { KeptCertificate, Pair } from '../server/certificate.ts';
import { expiresAtMs } from './certificate-plan.ts';
import type { WebhookCertificate } from './certificate.ts';

/** The certificate that new connections are shown; those that exist keep the one they began with. */
export class ShownCertificate implements KeptCertificate {
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
    // It holds nothing open.
  }
}

/** Unix time in milliseconds. */
export function endOf({ cert }: Pair): number {
  return expiresAtMs(cert.toString());
}

function pairOf({ certPem, key }: WebhookCertificate): Pair {
  return { cert: Buffer.from(certPem), key: Buffer.from(key.reveal()) };
}
