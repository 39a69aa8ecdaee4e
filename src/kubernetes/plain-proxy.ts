const PLAIN_PROXY = /^http:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}\/?$/i;

/**
 * `none` or a proxy URL. Undefined if it has a user or password, because many people can read annotations
 * and settings.
 */
export function plainProxy(text: string): string | undefined {
  if (text === 'none') return text;
  return PLAIN_PROXY.test(text) && URL.canParse(text) ? text.replace(/\/$/, '') : undefined;
}
