import type { Random } from '../base/random.ts';
import { Secret } from '../base/secret.ts';

/** The webhook's certificate with its key, and the CA that signed it. All in PEM. */
export interface WebhookCertificate {
  readonly caPem: string;
  readonly certPem: string;
  readonly key: Secret;
}

/** Backdated so that a machine whose clock is behind accepts it. */
const BACKDATED_MS = 3_600_000;

/**
 * Creates a CA that signs one certificate and whose key is then discarded: nobody who reads what we store
 * can sign another one, and renewing the CA and the certificate is one step.
 */
export async function makeWebhookCertificate(
  dnsNames: readonly string[],
  nowMs: number,
  lifeMs: number,
  random: Random,
): Promise<WebhookCertificate> {
  // Imported lazily: with certificates from files it is not needed, and the library is large.
  const { generate } = await import('selfsigned');
  const validity = {
    algorithm: 'sha256',
    keyType: 'ec',
    curve: 'P-256',
    notBeforeDate: new Date(nowMs - BACKDATED_MS),
    notAfterDate: new Date(nowMs + lifeMs),
  } as const;
  // Each CA gets its own name: a verifier cannot choose between CAs with the same name.
  const serial = Math.floor(random() * 2 ** 32).toString(16);
  const name = `wechat-sidecar webhook ${new Date(nowMs).toISOString()} ${serial}`;
  const authority = await generate([{ name: 'commonName', value: name }], {
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: dnsNames[0] ?? 'wechat-sidecar' }], {
    ...validity,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: dnsNames.map((value) => ({ type: 2, value }) as const) },
    ],
  });
  return {
    caPem: withNewline(authority.cert),
    certPem: withNewline(leaf.cert),
    key: new Secret(leaf.private),
  };
}

function withNewline(pem: string): string {
  return `${pem.trim()}\n`;
}
