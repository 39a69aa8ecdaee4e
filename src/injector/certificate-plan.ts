import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Secret } from '../base/secret.ts';
import type { WebhookCertificate } from './certificate.ts';

/** The state that all replicas share, in one Secret. */
export interface StoredCertificates {
  readonly current: WebhookCertificate | undefined;
  /** Created but not served yet: API servers must trust its CA first. */
  readonly next: WebhookCertificate | undefined;
  /** The previous CA: a replica may still serve a certificate that it signed. */
  readonly retiredCaPem: string | undefined;
}

export interface CertificatePolicy {
  readonly lifeMs: number;
  /** A successor is prepared when less than this is left. */
  readonly renewBeforeMs: number;
  /** Longer than API servers take to notice a changed configuration. */
  readonly settleMs: number;
  /** How often everything is checked, in addition to every change of the webhook configuration. */
  readonly checkEveryMs: number;
}

export const CERTIFICATE_POLICY: CertificatePolicy = {
  lifeMs: 30 * 86_400_000,
  renewBeforeMs: 15 * 86_400_000,
  settleMs: 60_000,
  checkEveryMs: 30_000,
};

/**
 * `replace`: no certificate works, so a new one is served at once. `prepare`: create a successor and
 * publish its CA. `promote`: the successor has been trusted for long enough and is served from now on.
 */
export type CertificateStep = 'keep' | 'replace' | 'prepare' | 'promote';

export function nextStep(
  stored: StoredCertificates,
  dnsNames: readonly string[],
  nowMs: number,
  /** How long the webhook configuration has been seen to trust the successor. */
  nextTrustedForMs: number | undefined,
  policy: CertificatePolicy,
): CertificateStep {
  const { current, next } = stored;
  if (current === undefined || leftMs(current, dnsNames, nowMs) <= 0) return 'replace';
  if (next !== undefined && leftMs(next, dnsNames, nowMs) > 0) {
    return nextTrustedForMs !== undefined && nextTrustedForMs >= policy.settleMs ? 'promote' : 'keep';
  }
  return leftMs(current, dnsNames, nowMs) < policy.renewBeforeMs ? 'prepare' : 'keep';
}

/** The state after a step. `successor` is a new certificate or, for `promote`, the prepared one. */
export function afterStep(
  stored: StoredCertificates,
  step: Exclude<CertificateStep, 'keep'>,
  successor: WebhookCertificate,
): StoredCertificates {
  if (step === 'prepare') return { ...stored, next: successor };
  return { current: successor, next: undefined, retiredCaPem: stored.current?.caPem };
}

/** All CAs that API servers should trust, the current one first. */
export function trustBundle({ current, next, retiredCaPem }: StoredCertificates): string {
  return [current?.caPem, next?.caPem, retiredCaPem].filter((pem) => pem !== undefined).join('');
}

export function expiresAtMs(certPem: string): number {
  return Date.parse(new X509Certificate(certPem).validTo);
}

/**
 * Returns 0 or less if this is not a working certificate for all of these names. A certificate that is not
 * valid yet was created on a machine whose clock is ahead; API servers refuse it until then.
 */
function leftMs({ caPem, certPem }: WebhookCertificate, dnsNames: readonly string[], nowMs: number): number {
  const certificate = new X509Certificate(certPem);
  if (!dnsNames.every((name) => certificate.checkHost(name) !== undefined)) return 0;
  const both = [certificate, new X509Certificate(caPem)];
  if (both.some(({ validFrom }) => Date.parse(validFrom) > nowMs)) return 0;
  return Math.min(...both.map(({ validTo }) => Date.parse(validTo))) - nowMs;
}

const KEYS = {
  current: { ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' },
  next: { ca: 'next-ca.crt', cert: 'next-tls.crt', key: 'next-tls.key' },
} as const;
const RETIRED_CA = 'retired-ca.crt';

/** Parses the `data` of a Secret. Missing or damaged parts count as absent. */
export function readStored(data: Readonly<Record<string, unknown>>): StoredCertificates {
  const text = (name: string): string | undefined => {
    const value = data[name];
    return typeof value === 'string' && value !== '' ? Buffer.from(value, 'base64').toString() : undefined;
  };
  const read = (names: (typeof KEYS)[keyof typeof KEYS]): WebhookCertificate | undefined => {
    const [caPem, certPem, keyPem] = [text(names.ca), text(names.cert), text(names.key)];
    if (caPem === undefined || certPem === undefined || keyPem === undefined) return undefined;
    return isSound(caPem, certPem, keyPem) ? { caPem, certPem, key: new Secret(keyPem) } : undefined;
  };
  const retired = text(RETIRED_CA);
  return {
    current: read(KEYS.current),
    next: read(KEYS.next),
    retiredCaPem: retired !== undefined && isCertificate(retired) ? retired : undefined,
  };
}

/** The complete `data` of the Secret: keys that are not in it must be removed. */
export function dataOf({ current, next, retiredCaPem }: StoredCertificates): Record<string, string> {
  const entries: [string, string][] = [];
  for (const [certificate, names] of [
    [current, KEYS.current],
    [next, KEYS.next],
  ] as const) {
    if (certificate === undefined) continue;
    entries.push(
      [names.ca, certificate.caPem],
      [names.cert, certificate.certPem],
      [names.key, certificate.key.reveal()],
    );
  }
  if (retiredCaPem !== undefined) entries.push([RETIRED_CA, retiredCaPem]);
  return Object.fromEntries(entries.map(([name, pem]) => [name, Buffer.from(pem).toString('base64')]));
}

function isSound(caPem: string, certPem: string, keyPem: string): boolean {
  try {
    const certificate = new X509Certificate(certPem);
    return (
      certificate.verify(new X509Certificate(caPem).publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(keyPem))
    );
  } catch {
    return false;
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
