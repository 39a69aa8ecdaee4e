/** What a caller may be allowed to do with an account. */
export const RIGHTS = [
  /** To have its token, to watch it, and to report that it is refused. */
  'tokens',
  'tickets',
  /** To have a page's JS-SDK call signed. */
  'sign',
  /** To have a call made that carries the AppSecret. */
  'relay',
  /** To press the button of the page: each press may cost a part of the day's budget. */
  'refresh',
] as const;
export type Right = (typeof RIGHTS)[number];

export const DEFAULT_RIGHTS: readonly Right[] = RIGHTS.filter((right) => right !== 'refresh');
