import type { LocalResponse } from '../server/local-response.ts';
import type { CallRequest } from './caller.ts';

/** How long a browser may cache the preflight. */
const MAX_AGE_SECONDS = 600;

/** Lets a page of this origin read a response, including the headers we add. */
export function pageHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-wechat-sidecar, x-wechat-sidecar-error',
    vary: 'origin',
  };
}

/** A preflight may ask for whatever the call may use: the gate decides on the call itself. */
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
