/**
 * Edits one parameter of a raw query string and leaves every other byte unchanged: some calls are signed,
 * and parameters may contain whole URLs with their own parameters.
 *
 * `undefined` is a target without `?`, which differs from an empty query.
 */
export type RawQuery = string | undefined;

/** The decoded values of a parameter, in order. Names are compared decoded (`access%5Ftoken` matches). */
export function valuesOf(query: RawQuery, name: string): string[] {
  if (query === undefined || !mayName(query, name)) return [];
  return query
    .split('&')
    .filter((pair) => nameOf(pair) === name)
    .map(valueOfPair);
}

/** Sets a parameter: replaces its first occurrence and removes the others; appends it if it was absent. */
export function withParam(query: RawQuery, name: string, value: string): string {
  const pair = `${name}=${UNRESERVED.test(value) ? value : encodeURIComponent(value)}`;
  if (query === undefined || !mayName(query, name)) return withPair(query, pair);
  let placed = false;
  const pairs = query.split('&').flatMap((each) => {
    if (nameOf(each) !== name) return [each];
    if (placed) return [];
    placed = true;
    return [pair];
  });
  return placed ? pairs.join('&') : withPair(query, pair);
}

/** Appends a parameter that the query does not have. */
export function withPair(query: RawQuery, pair: string): string {
  if (query === undefined || query === '') return pair;
  return query.endsWith('&') ? query + pair : `${query}&${pair}`;
}

/** Removes a parameter; with `isMeant`, only the occurrences whose value it accepts. */
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

/** Whether the query may contain this parameter; its name may be percent-encoded. */
function mayName(query: string, name: string): boolean {
  return query.includes(name) || query.includes('%') || query.includes('+');
}

/** Whether there can be a parameter that holds a token, or the `from_appid` that names an account to the sidecar. */
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
