import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import type { KubernetesApi } from './api.ts';
import { whyNot } from './api.ts';
import { Turnstile } from './turnstile.ts';

/** Whom a projected token belongs to. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
  /** The pod that the token is bound to. */
  readonly pod?: string;
}

export type Review =
  | {
      readonly kind: 'genuine';
      readonly account: ServiceAccount;
      /** On the life scale. */
      readonly endsAtMs: number;
    }
  /** `why` quotes nothing of the token. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The API server did not say, or not in time. */
  | { readonly kind: 'unavailable'; readonly why: string };

export interface TokenReviewParts {
  readonly api: Pick<KubernetesApi, 'call'>;
  readonly audience: string;
  readonly clock: Clock;
  /** Whether such an account may come at all: the API server is not asked about any other. */
  readonly expects: (account: ServiceAccount) => boolean;
  /** How many answers of each kind are remembered. */
  readonly rememberedMax?: number;
}

const GENUINE_MS_MAX = 60_000;
const REFUSED_MS = 10_000;
const REMEMBERED_MAX = 10_000;
const REVIEWS_IN_FLIGHT_MAX = 16;
const REVIEWS_WAITING_MAX = 2_000;
const WAIT_MS_MAX = 2_000;
const SUSPECTS_IN_FLIGHT_MAX = 2;
const SUSPECTS_WAITING_MAX = 50;
const REVIEW_MS_MAX = 2_000;
const TOKEN_CHARS_MAX = 16 * 1024;
/** The API server judges by the right clock; what ended this long ago by ours is not worth its time. */
const CLOCK_LEEWAY_MS = 86_400_000;
/** A token that the API server takes although it is past its end here: our clock is wrong. */
const GENUINE_MS_MIN = 5_000;

/**
 * Asks the API server whose token it is (authentication.k8s.io/v1 TokenReview). What cannot be a token
 * of an expected account for our audience is refused without a question, by its unverified claims. Yes
 * and no are remembered apart, so that a flood of junk does not push the good ones out.
 */
export class TokenReviews {
  readonly #parts: TokenReviewParts;
  readonly #genuine: LRUCache<string, Remembered>;
  readonly #refused: LRUCache<string, Remembered>;
  readonly #running = new Map<string, Promise<Review>>();
  readonly #turnstile: Turnstile;
  /** For those whose address sends junk, so that they take no place from others. */
  readonly #narrowTurnstile: Turnstile;

  constructor(parts: TokenReviewParts) {
    this.#parts = parts;
    const max = parts.rememberedMax ?? REMEMBERED_MAX;
    this.#genuine = new LRUCache({ max });
    this.#refused = new LRUCache({ max });
    this.#turnstile = new Turnstile(
      { inFlightMax: REVIEWS_IN_FLIGHT_MAX, waitingMax: REVIEWS_WAITING_MAX, waitMsMax: WAIT_MS_MAX },
      parts.clock,
    );
    this.#narrowTurnstile = new Turnstile(
      { inFlightMax: SUSPECTS_IN_FLIGHT_MAX, waitingMax: SUSPECTS_WAITING_MAX, waitMsMax: WAIT_MS_MAX },
      parts.clock,
    );
  }

  /** `isSuspect`: it came from where too many came that were not good. */
  async review(token: string, isSuspect = false): Promise<Review> {
    const { audience, clock, expects } = this.#parts;
    const claims = claimsOf(token);
    if (claims === undefined) return { kind: 'refused', why: 'neither a known key nor a JWT' };
    if (!claims.audiences.includes(audience)) return { kind: 'refused', why: 'a JWT for another audience' };
    if (claims.expMs + CLOCK_LEEWAY_MS < clock.wallMs())
      return { kind: 'refused', why: 'a JWT past its end' };
    if (claims.account === undefined || !expects(claims.account)) {
      return { kind: 'refused', why: 'a JWT of no service account that is allowed' };
    }
    const key = createHash('sha256').update(`${audience}\n${token}`).digest('base64');
    const known = this.#recall(key);
    if (known !== undefined) return known;
    // An identical question that is on its way is joined.
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const turnstile = isSuspect ? this.#narrowTurnstile : this.#turnstile;
    const review = this.#ask(token, claims, turnstile).then((answer) =>
      this.#remember(key, answer, claims.expMs),
    );
    this.#running.set(key, review);
    return review.finally(() => this.#running.delete(key));
  }

  #recall(key: string): Review | undefined {
    const known = this.#genuine.get(key) ?? this.#refused.get(key);
    return known !== undefined && this.#parts.clock.lifeMs() < known.untilMs ? known.review : undefined;
  }

  #remember(key: string, review: Review, expMs: number): Review {
    const { clock } = this.#parts;
    const nowMs = clock.lifeMs();
    if (review.kind === 'genuine') {
      const keptMs = Math.max(GENUINE_MS_MIN, Math.min(GENUINE_MS_MAX, expMs - clock.wallMs()));
      this.#genuine.set(key, { review, untilMs: nowMs + keptMs });
    } else if (review.kind === 'refused') {
      this.#refused.set(key, { review, untilMs: nowMs + REFUSED_MS });
    }
    return review;
  }

  async #ask(token: string, claims: Claims, turnstile: Turnstile): Promise<Review> {
    const { api, audience, clock, expects } = this.#parts;
    const outcome = await turnstile.pass(() =>
      api.call({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          spec: { token, audiences: [audience] },
        },
        timeoutMs: REVIEW_MS_MAX,
      }),
    );
    if (outcome === undefined) return { kind: 'unavailable', why: 'too many credentials wait for a review' };
    if (outcome.kind !== 'ok') return { kind: 'unavailable', why: withoutMessage(whyNot(outcome)) };
    const parsed = tokenReview.safeParse(outcome.body);
    if (!parsed.success) return { kind: 'unavailable', why: 'the API server gave no TokenReview' };
    const { authenticated, user, audiences } = parsed.data.status;
    if (!authenticated) return { kind: 'refused', why: 'the API server does not accept this JWT' };
    const account = accountOf(user?.username ?? '');
    // Servers that know nothing of audiences name none, and have checked none.
    if (!audiences.includes(audience) || account === undefined || !expects(account)) {
      return { kind: 'refused', why: 'a JWT of another audience or account than it says' };
    }
    const pod = user?.extra?.['authentication.kubernetes.io/pod-name']?.[0];
    // A clock that runs ahead of the API server's must not end the call that it has just let in.
    const leftMs = Math.max(GENUINE_MS_MAX, claims.expMs - clock.wallMs());
    return {
      kind: 'genuine',
      account: { ...account, ...(pod !== undefined && { pod }) },
      endsAtMs: clock.lifeMs() + leftMs,
    };
  }
}

interface Remembered {
  readonly review: Review;
  readonly untilMs: number;
}

const tokenReview = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    user: z
      .object({
        username: z.string().default(''),
        extra: z.record(z.string(), z.array(z.string())).optional(),
      })
      .optional(),
    audiences: z.array(z.string()).default([]),
  }),
});

interface Claims {
  readonly audiences: readonly string[];
  readonly account: ServiceAccount | undefined;
  /** Unix milliseconds. */
  readonly expMs: number;
}

/** What a JWT says of itself, unverified; undefined for what is none. */
function claimsOf(token: string): Claims | undefined {
  if (token.length > TOKEN_CHARS_MAX) return undefined;
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1];
  if (payload === undefined) return undefined;
  try {
    const { aud, sub, exp } = jwtPayload.parse(
      JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')),
    );
    return {
      audiences: typeof aud === 'string' ? [aud] : aud,
      account: accountOf(sub),
      expMs: exp * 1_000,
    };
  } catch {
    return undefined;
  }
}

const jwtPayload = z.object({
  aud: z.union([z.string(), z.array(z.string())]),
  sub: z.string(),
  exp: z.number(),
});

function accountOf(username: string): ServiceAccount | undefined {
  const [, namespace, name] = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/.exec(username) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** What a server says in words may quote what it was asked. */
function withoutMessage(why: string): string {
  return why.replace(/\): .*$/s, ')');
}
