import { fingerprintOf } from '../base/secret.ts';
import { OTHER_TOKEN_PARAMS } from '../wechat/path.ts';
import { mayNameToken, type RawQuery, valuesOf, withoutParam } from '../wechat/query.ts';
import { accountOfStandIn } from '../wechat/stand-in.ts';

/** Returns the account whose current or earlier token has a fingerprint. */
export type OwnerOf = (fingerprint: string) => string | undefined;

/** What a caller sent as its token. */
export type SentToken =
  /** Ours: a stand-in, or a token that we manage or managed. */
  | { readonly kind: 'stand-in' | 'managed'; readonly owner: string }
  /** `undefined`, `null`, `ACCESS_TOKEN` or an empty string: sent by programs that have no token. */
  | { readonly kind: 'placeholder' }
  | { readonly kind: 'foreign' };

/** The platform's tokens have over a hundred characters; placeholders are short. */
const FOREIGN_CHARS_MIN = 32;
/** The shortest token that a keeper accepts. */
const MANAGED_CHARS_MIN = 16;

function readToken(value: string, ownerOf: OwnerOf): SentToken {
  const named = accountOfStandIn(value);
  if (named !== undefined) return { kind: 'stand-in', owner: named };
  for (const piece of piecesOf(value)) {
    const owner = ownerOf(fingerprintOf(piece));
    if (owner !== undefined) return { kind: 'managed', owner };
  }
  return { kind: value.trim().length < FOREIGN_CHARS_MIN ? 'placeholder' : 'foreign' };
}

/** The possible tokens in a value: some SDKs send more (`n=TOKEN`), and some do not escape a `+` in it. */
function piecesOf(value: string): ReadonlySet<string> {
  const pieces = [value, value.trim().replaceAll(' ', '+')].flatMap((text) => [
    text.trim(),
    text.slice(text.indexOf('=') + 1).trim(),
    ...(text.match(/[\w.~-]+/g) ?? []),
  ]);
  return new Set(pieces.filter((piece) => piece.length >= MANAGED_CHARS_MIN));
}

/** The tokens of a call. */
export interface SentTokens {
  /** Whether `access_token` holds one of ours. */
  readonly hasOurs: boolean;
  readonly hasForeign: boolean;
  readonly hasStandIn: boolean;
  /** Whether there is a token of another kind. */
  readonly hasOther: boolean;
  /** The account that a token of ours names, in any parameter. */
  readonly owner: string | undefined;
  /** The query without any of ours in a parameter for another kind of token. */
  readonly query: RawQuery;
  /** The query without any of ours; with `foreign`, also without foreign access_tokens. */
  without(foreign: boolean): RawQuery;
}

function noTokens(query: RawQuery): SentTokens {
  return {
    hasOurs: false,
    hasForeign: false,
    hasStandIn: false,
    hasOther: false,
    owner: undefined,
    query,
    without: () => query,
  };
}

export function readTokens(given: RawQuery, ownerOf: OwnerOf): SentTokens {
  if (!mayNameToken(given)) return noTokens(given);
  const read = (value: string): SentToken => readToken(value, ownerOf);
  const own = valuesOf(given, 'access_token').map(read);
  // An empty one counts as none; a placeholder does not, because its sender means to call with that kind of token.
  const inOthers = OTHER_TOKEN_PARAMS.flatMap((name) => valuesOf(given, name))
    .filter((value) => value.trim() !== '')
    .map(read);
  if (own.length === 0 && inOthers.length === 0) return noTokens(given);
  const ours = [...own, ...inOthers].filter(isOurs);
  const query = inOthers.some(isOurs)
    ? OTHER_TOKEN_PARAMS.reduce(
        (rest, name) => withoutParam(rest, name, (value) => isOurs(read(value))),
        given,
      )
    : given;
  return {
    hasOurs: own.some(isOurs),
    hasForeign: own.some(({ kind }) => kind === 'foreign'),
    hasStandIn: ours.some(({ kind }) => kind === 'stand-in'),
    hasOther: inOthers.some((token) => !isOurs(token)),
    owner: ours[0]?.owner,
    query,
    without: (foreign) =>
      withoutParam(query, 'access_token', (value) => {
        const token = read(value);
        return isOurs(token) || (foreign && token.kind === 'foreign');
      }),
  };
}

type OurToken = Extract<SentToken, { owner: string }>;

function isOurs(token: SentToken): token is OurToken {
  return 'owner' in token;
}
