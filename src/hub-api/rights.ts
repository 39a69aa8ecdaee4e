/** What a caller can be allowed to do with an account. */
export const RIGHTS = [
  /** Get its token, watch it, and report that it is refused. */
  'tokens',
  'tickets',
  /** Get a page's JS-SDK call signed. */
  'sign',
  /** Have the hub make a call that carries the AppSecret. */
  'relay',
  /** Use the refresh button of the page: each use may count against the daily quota. */
  'refresh',
] as const;
export type Right = (typeof RIGHTS)[number];

export const DEFAULT_RIGHTS: readonly Right[] = RIGHTS.filter((right) => right !== 'refresh');
