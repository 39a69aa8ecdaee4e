import { fingerprintOf } from '../base/secret.ts';

/** What may stand for the path of a refused call in a report: it can hold neither a query nor an openid in one. */
export const REPORTED_PATH = /^(?:[A-Za-z0-9/_.~-]{1,128}|sha256:[0-9a-f]{16})$/;

/** The path of a call, without its query, as it is reported: itself, or a digest of what is too odd or long. */
export function reportPath(path: string): string {
  return /^[A-Za-z0-9/_.~-]{1,128}$/.test(path) ? path : `sha256:${fingerprintOf(path)}`;
}
