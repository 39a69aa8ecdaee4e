import type { Clock } from '../base/clock.ts';

export interface Certificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const NAMES = [
  'localhost',
  'api.weixin.qq.com',
  'api2.weixin.qq.com',
  'sh.api.weixin.qq.com',
  'sz.api.weixin.qq.com',
  'hk.api.weixin.qq.com',
];
const ADDRESSES = ['127.0.0.1', '::1'];
const DAY_MS = 86_400_000;
const VALID_DAYS = 30;

/**
 * A self-signed certificate and its key, discarded with the process. It is its own CA: a client that trusts
 * `certificatePem` (NODE_EXTRA_CA_CERTS, curl --cacert) trusts this simulator and nothing else.
 */
export async function makeCertificate(clock: Clock): Promise<Certificate> {
  // Imported lazily: most simulators serve plain http, and the library is large.
  const { generate } = await import('selfsigned');
  const nowMs = clock.unixMs();
  const made = await generate([{ name: 'commonName', value: 'wechat-sidecar simulator' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    curve: 'P-256',
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate: new Date(nowMs + VALID_DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...NAMES.map((value) => ({ type: 2, value }) as const),
          ...ADDRESSES.map((ip) => ({ type: 7, ip }) as const),
        ],
      },
    ],
  });
  return { certificatePem: made.cert, keyPem: made.private };
}
