import { fingerprintOf } from '../base/secret.ts';

/** The path of a refused request in a report: it cannot contain a query, nor an openid in one. */
export const REPORTED_PATH = /^(?:[A-Za-z0-9/_.~-]{1,128}|sha256:[0-9a-f]{16})$/;

/** The path of a request, without its query, as reported: itself, or a digest if it is too unusual or long. */
export function reportPath(path: string): string {
  return /^[A-Za-z0-9/_.~-]{1,128}$/.test(path) ? path : `sha256:${fingerprintOf(path)}`;
}
