/**
 * Edits one parameter of a raw query string and leaves every other byte as it was: some calls are
 * signed, and parameters may hold whole URLs with parameters of their own.
 *
 * `undefined` is a target without `?`, which is not the same as an empty query.
 */
export type RawQuery = string | undefined;

/** The decoded values of a parameter, in order; names are compared decoded (`access%5Ftoken` counts). */
export function valuesOf(query: RawQuery, name: string): string[] {
  if (query === undefined || !mayName(query, name)) return [];
  return query
    .split('&')
    .filter((pair) => nameOf(pair) === name)
    .map(valueOfPair);
}

/** Gives a parameter one value: at its first place, its other places removed; at the end where it was absent. */
export function withParam(query: RawQuery, name: string, value: string): string {
  const pair = `${name}=${UNRESERVED.test(value) ? value : encodeURIComponent(value)}`;
  if (query === undefined || query === '') return pair;
  if (!mayName(query, name)) return query.endsWith('&') ? query + pair : `${query}&${pair}`;
  let placed = false;
  const pairs = query.split('&').flatMap((each) => {
    if (nameOf(each) !== name) return [each];
    if (placed) return [];
    placed = true;
    return [pair];
  });
  if (placed) return pairs.join('&');
  return query.endsWith('&') ? query + pair : `${query}&${pair}`;
}

/** Takes a parameter out, or with `isMeant` only its values for which that holds. */
export function withoutParam(
  query: RawQuery,
  name: string,
  isMeant: (value: string) => boolean = () => true,
): RawQuery {
  if (query === undefined || !mayName(query, name)) return query;
  const pairs = query.split('&');
  const rest = pairs.filter((pair) => nameOf(pair) !== name || !isMeant(valueOfPair(pair)));
  if (rest.length === pairs.length) return query;
  return rest.length === 0 ? undefined : rest.join('&');
}

const UNRESERVED = /^[\w.~-]*$/;

/** Whether there can be such a parameter: its name may be written with escapes too. */
function mayName(query: string, name: string): boolean {
  return query.includes(name) || query.includes('%') || query.includes('+');
}

/** Whether there can be any parameter that is about a token or an account. */
export function mayNameToken(query: RawQuery): boolean {
  return query !== undefined && TOKEN_OR_ESCAPE.test(query);
}

const TOKEN_OR_ESCAPE = /token|from_appid|[%+]/;

function nameOf(pair: string): string {
  const end = pair.indexOf('=');
  const raw = end === -1 ? pair : pair.slice(0, end);
  return raw.includes('%') || raw.includes('+') ? decode(raw) : raw;
}

function valueOfPair(pair: string): string {
  const end = pair.indexOf('=');
  return end === -1 ? '' : decode(pair.slice(end + 1));
}

function decode(raw: string): string {
  const spaced = raw.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
