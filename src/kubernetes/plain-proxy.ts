const PLAIN_PROXY = /^http:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}\/?$/i;

/** `none` or the URL of a proxy; one with a user or a password is none, since annotations and settings are seen by many. */
export function plainProxy(text: string): string | undefined {
  if (text === 'none') return text;
  return PLAIN_PROXY.test(text) && URL.canParse(text) ? text.replace(/\/$/, '') : undefined;
}
