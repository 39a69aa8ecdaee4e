import { generate } from 'selfsigned';

export interface TestCertificate {
  readonly name: string;
  readonly cert: string;
  readonly key: string;
}

/** A self-signed certificate for 127.0.0.1 whose subject has this name. */
export async function makeTestCertificate(
  name: string,
  dates: { readonly notBeforeDate?: Date; readonly notAfterDate?: Date } = {},
): Promise<TestCertificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...dates,
    algorithm: 'sha256',
    keyType: 'ec',
    curve: 'P-256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  return { name, cert: made.cert, key: made.private };
}
