import { Secret } from '../base/secret.ts';

export interface SelfSigned {
  /** PEM. */
  readonly certPem: string;
  /** PEM. */
  readonly key: Secret;
}

/** So that a machine whose clock is behind does not see a certificate that is not valid yet. */
const BACKDATED_MS = 3_600_000;

/** A self-signed certificate that cannot sign any other: to trust it is to trust it for these names alone. */
export async function makeSelfSigned(
  commonName: string,
  dnsNames: readonly string[],
  nowMs: number,
  lifeMs: number,
): Promise<SelfSigned> {
  // Loaded on demand: it is rarely needed, and the library is large.
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
