import { createHash } from 'node:crypto';
import { APPID_PATTERN } from './appid.ts';

/**
 * What an SDK that insists on fetching a token is given: it names the account, and is worthless
 * anywhere else. The same account always has the same one, so that SDKs which share a cache between
 * pods agree; longer than 32 characters, because Senparc takes a shorter string for an appid.
 */
export function standInFor(appid: string): string {
  return `${PREFIX}.${appid}.${checkOf(appid)}`;
}

/** The account that a stand-in in this text names; some SDKs send more than the token (`n=TOKEN`). */
export function accountOfStandIn(text: string): string | undefined {
  for (const found of text.matchAll(PATTERN)) {
    const [, appid = '', check] = found;
    if (check === checkOf(appid)) return appid;
  }
  return undefined;
}

const PREFIX = 'wechat-sidecar-stand-in';
const PATTERN = new RegExp(`${PREFIX}\\.(${APPID_PATTERN})\\.([0-9a-f]{24})`, 'g');

/** Not a signature: it tells a stand-in from a string that happens to look like one. */
function checkOf(appid: string): string {
  return createHash('sha256').update(`${PREFIX}.${appid}`).digest('hex').slice(0, 24);
}
