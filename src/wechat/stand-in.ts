import { hash } from 'node:crypto';
import { APPID_PATTERN } from './appid.ts';

/**
 * The token that SDKs get if they insist on fetching one: it names the account and is worthless anywhere
 * else. It is the same every time, so that SDKs that share a cache between pods agree, and longer than
 * 32 characters, because Senparc mistakes a shorter string for an appid.
 */
export function standInFor(appid: string): string {
  return `${PREFIX}.${appid}.${checkOf(appid)}`;
}

/** The account named by a stand-in in this text; some SDKs send more than the token (`n=TOKEN`). */
export function accountOfStandIn(text: string): string | undefined {
  for (const found of text.matchAll(PATTERN)) {
    const [, appid = '', check] = found;
    if (check === checkOf(appid)) return appid;
  }
  return undefined;
}

const PREFIX = 'wechat-sidecar-stand-in';
const PATTERN = new RegExp(`${PREFIX}\\.(${APPID_PATTERN})\\.([0-9a-f]{24})`, 'g');

/** Not a signature: distinguishes a stand-in from a string that happens to look like one. */
function checkOf(appid: string): string {
  return hash('sha256', `${PREFIX}.${appid}`).slice(0, 24);
}
