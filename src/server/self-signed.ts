import { Secret } from '../base/secret.ts';

export interface SelfSigned {
  /** PEM. */
  readonly certPem: string;
  /** PEM. */
  readonly key: Secret;
}

/** A machine whose clock is behind must not think that the certificate is yet to come. */
const BACKDATED_MS = 3_600_000;

/**
 * A certificate that is its own authority, and can be one for nothing else: whoever trusts it trusts it
 * for these names alone.
 */
export async function makeSelfSigned(
  commonName: string,
  dnsNames: readonly string[],
  nowMs: number,
  lifeMs: number,
): Promise<SelfSigned> {
  // Loaded only here: it is rarely needed, and the library is large.
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: commonName }], {
    algorithm: 'sha256',
    keyType: 'ec',
    curve: 'P-256',
    notBeforeDate: new Date(nowMs - BACKDATED_MS),
    notAfterDate: new Date(nowMs + lifeMs),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: dnsNames.map((value) => ({ type: 2, value }) as const) },
    ],
  });
  return { certPem: `${made.cert.trim()}\n`, key: new Secret(made.private) };
}
