/** The source of a pattern: an appid as the platform and its SDKs use it, or one that somebody made up for a test. */
export const APPID_PATTERN = '[A-Za-z0-9_-]{2,64}';
export const APPID = new RegExp(`^${APPID_PATTERN}$`);
const PLATFORM_APPID = /^wx[0-9a-f]{16}$/;

/** Most calls are for the same account as the one before. */
let lastAppid: string | undefined;

/** Nothing else goes into headers, labels, logs or a stand-in. */
export function isAppid(text: string): boolean {
  if (text === lastAppid) return true;
  if (!APPID.test(text)) return false;
  lastAppid = text;
  return true;
}

/** Whether the platform itself could have issued it. */
export function isPlatformAppid(text: string): boolean {
  return PLATFORM_APPID.test(text);
}
