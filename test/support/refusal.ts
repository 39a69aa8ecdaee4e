import type { Refusal } from '../../src/token/source.ts';

/** A refused call, as it is reported. */
export function refusal(
  fingerprint: string,
  errcode = 40001,
  path: string | undefined = '/cgi-bin/user/info',
  succeeded = false,
): Refusal {
  return { fingerprint, errcode, path, succeeded };
}
