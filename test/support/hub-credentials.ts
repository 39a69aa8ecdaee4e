import { createHash } from 'node:crypto';

/** A JWT of the shape of a projected token, with a signature that nobody can check. */
export function fakeJwt(claims: {
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly expUnixS: number;
  readonly salt?: string;
}): string {
  const { sub, aud, expUnixS, salt = '' } = claims;
  const payload = { iss: 'https://kubernetes.default.svc', sub, aud, exp: expUnixS, salt };
  const signature = createHash('sha256').update(salt).digest('base64url');
  return [{ alg: 'RS256', kid: 'k' }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(signature)
    .join('.');
}
