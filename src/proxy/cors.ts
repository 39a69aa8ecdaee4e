import type { LocalResponse } from '../server/local-response.ts';
import type { CallRequest } from './caller.ts';

/** How long a browser need not ask again. */
const MAX_AGE_SECONDS = 600;

/** Lets a page of this origin read an answer, with what we say of it. */
export function pageHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-wechat-sidecar, x-wechat-sidecar-error',
    vary: 'origin',
  };
}

/** What may be asked for before a call is what the call may have: the gate decides on the call itself. */
export function preflightAnswer({ headers }: CallRequest): LocalResponse {
  const asked = headers['access-control-request-headers'];
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': headers['access-control-request-method'] ?? '',
      ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
      'access-control-max-age': String(MAX_AGE_SECONDS),
    },
    body: Buffer.alloc(0),
  };
}
