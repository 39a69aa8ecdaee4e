const SUFFIX = /(?:At)?UnixMs$/;

/** Times in the future, shown with the remaining time. */
const AHEAD: ReadonlySet<string> = new Set(['expires', 'nextRefresh', 'until', 'ends']);

/** Words that need no `At` suffix. */
const ADVERBS: ReadonlySet<string> = new Set(['since', 'until']);

/**
 * Makes a status readable: each time in Unix milliseconds, whose name ends in `UnixMs`, becomes RFC 3339; a future one
 * also gets the seconds left. `expiresAtUnixMs` becomes `expiresAt` and `expiresInS`.
 */
export function withReadableTimes(value: unknown, nowUnixMs: number): unknown {
  if (Array.isArray(value)) return value.map((item) => withReadableTimes(item, nowUnixMs));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).flatMap(([name, member]): [string, unknown][] =>
    name.endsWith('nixMs') && typeof member === 'number'
      ? timeMembers(name, member, nowUnixMs)
      : [[name, withReadableTimes(member, nowUnixMs)]],
  );
  return Object.fromEntries(members);
}

function timeMembers(name: string, unixMs: number, nowUnixMs: number): [string, unknown][] {
  const subject = name === 'unixMs' ? '' : name.replace(SUFFIX, '');
  const time = ADVERBS.has(subject) ? subject : subject === '' ? 'at' : `${subject}At`;
  const shown: [string, unknown][] = [[time, rfc3339(unixMs)]];
  if (AHEAD.has(subject)) shown.push([`${subject}InS`, Math.round((unixMs - nowUnixMs) / 1_000)]);
  return shown;
}

function rfc3339(unixMs: number): string | null {
  const date = new Date(unixMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
