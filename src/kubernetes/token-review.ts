import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import { LruTable } from '../base/lru-table.ts';
import { type KubernetesApi, whyNot } from './api.ts';
import { Semaphore, type SemaphoreLimits } from './semaphore.ts';

/** The owner of a projected token. */
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
      /** In monotonic milliseconds. */
      readonly endsAtMs: number;
    }
  /** `why` never quotes the token. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The API server did not answer, or not in time. */
  | { readonly kind: 'unavailable'; readonly why: string };

export interface TokenReviewParts {
  readonly api: Pick<KubernetesApi, 'call'>;
  readonly audience: string;
  readonly clock: Clock;
  /** Whether this account may use the hub; the API server is not asked about any other. */
  readonly expects: (account: ServiceAccount) => boolean;
  /** How many results of each kind are cached. */
  readonly rememberedMax?: number;
}

/** Limits of the review queues and caches; docs/limits.md has the same figures. */
export const REVIEW_LIMITS = {
  /** How long a positive result is used without another review. */
  freshMsMax: 60_000,
  /**
   * How long after a positive result its credential is still served while it is reviewed again. A negative
   * result ends this at once.
   */
  staleMsMax: 300_000,
  refusedMs: 10_000,
  rememberedMax: 10_000,
  tokenCharsMax: 8 * 1024,
} as const;

/** Credentials that have never been valid. One peer may use half of the running and of the waiting places. */
export const UNKNOWN_LANE: SemaphoreLimits = {
  inFlightMax: 16,
  waitingMax: 1_000,
  waitMsMax: 2_000,
  shareMax: 0.5,
};

/** Credentials that have been valid before; they never wait behind unknown ones. */
export const KNOWN_LANE: SemaphoreLimits = {
  inFlightMax: 8,
  waitingMax: REVIEW_LIMITS.rememberedMax,
  waitMsMax: 2_000,
  shareMax: 1,
};

/** A review that failed is not repeated sooner than this. */
const AGAIN_MS = 2_000;
const REVIEW_MS_MAX = 2_000;
/**
 * The API server decides by the correct clock. A token that expired this long ago by our clock is not worth
 * a review.
 */
const CLOCK_LEEWAY_MS = 86_400_000;
/**
 * The remaining life of a token that the API server accepts although it has expired by our clock: our clock
 * is wrong.
 */
const GENUINE_MS_MIN = 5_000;

/**
 * Asks the API server who owns a token (authentication.k8s.io/v1 TokenReview). A token whose unverified
 * claims do not name an expected account and our audience is refused without asking. Positive and negative
 * results are cached separately, so that a flood of junk does not evict the good ones. A credential that
 * was valid before is reviewed in a lane of its own and is served meanwhile.
 */
export class TokenReviews {
  readonly #parts: TokenReviewParts;
  readonly #genuine: LruTable<string, Genuine>;
  readonly #refused: LruTable<string, Refused>;
  readonly #running = new Map<string, Promise<Review>>();
  readonly #knownLane: Semaphore;
  readonly #unknownLane: Semaphore;

  constructor(parts: TokenReviewParts) {
    this.#parts = parts;
    const max = parts.rememberedMax ?? REVIEW_LIMITS.rememberedMax;
    this.#genuine = new LruTable(max);
    this.#refused = new LruTable(max);
    this.#knownLane = new Semaphore(KNOWN_LANE, parts.clock);
    this.#unknownLane = new Semaphore(UNKNOWN_LANE, parts.clock);
  }

  /**
   * `peer` identifies the source, so that no source can use more than its share of the reviews of unknown
   * credentials.
   */
  async review(token: string, peer: string): Promise<Review> {
    const { audience, clock, expects } = this.#parts;
    const claims = claimsOf(token);
    if (claims === undefined) return { kind: 'refused', why: 'neither a known key nor a JWT' };
    if (!claims.audiences.includes(audience)) return { kind: 'refused', why: 'a JWT for another audience' };
    if (claims.expMs + CLOCK_LEEWAY_MS < clock.unixMs()) return { kind: 'refused', why: 'an expired JWT' };
    if (claims.account === undefined || !expects(claims.account)) {
      return { kind: 'refused', why: 'a JWT of a service account that is not allowed' };
    }
    const key = createHash('sha256').update(`${audience}\n${token}`).digest('base64');
    const nowMs = clock.monotonicMs();
    const refused = this.#refused.get(key);
    if (refused !== undefined && nowMs < refused.untilMs) return refused.review;
    const genuine = this.#genuine.get(key);
    if (genuine !== undefined && nowMs < genuine.freshUntilMs) return genuine.review;
    const asked = this.#askOnce(key, token, claims, genuine === undefined ? peer : undefined);
    return genuine !== undefined && nowMs < genuine.staleUntilMs ? genuine.review : asked;
  }

  /** Joins an identical review that is in progress. Without a peer it uses the lane of known credentials. */
  #askOnce(key: string, token: string, claims: Claims, peer: string | undefined): Promise<Review> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const review = this.#ask(token, claims, peer)
      .then((answer) => this.#remember(key, answer, claims.expMs))
      .finally(() => this.#running.delete(key));
    this.#running.set(key, review);
    return review;
  }

  #remember(key: string, review: Review, expMs: number): Review {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const { freshMsMax, staleMsMax, refusedMs } = REVIEW_LIMITS;
    switch (review.kind) {
      case 'genuine': {
        const leftMs = Math.max(GENUINE_MS_MIN, expMs - clock.unixMs());
        const freshUntilMs = nowMs + Math.min(freshMsMax, leftMs);
        const staleUntilMs = nowMs + Math.min(staleMsMax, leftMs);
        this.#genuine.set(key, { review, freshUntilMs, staleUntilMs });
        break;
      }
      case 'refused':
        this.#genuine.delete(key);
        this.#refused.set(key, { review, untilMs: nowMs + refusedMs });
        break;
      case 'unavailable': {
        const genuine = this.#genuine.get(key);
        // It is still served, and reviewed again shortly.
        if (genuine !== undefined && nowMs < genuine.staleUntilMs) {
          const freshUntilMs = Math.min(nowMs + AGAIN_MS, genuine.staleUntilMs);
          this.#genuine.set(key, { ...genuine, freshUntilMs });
        }
      }
    }
    return review;
  }

  async #ask(token: string, claims: Claims, peer: string | undefined): Promise<Review> {
    const { api, audience, clock, expects } = this.#parts;
    const lane = peer === undefined ? this.#knownLane : this.#unknownLane;
    const outcome = await lane.pass(peer ?? '', () =>
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
    if (outcome === undefined)
      return { kind: 'unavailable', why: 'too many credentials are waiting for a review' };
    if (outcome.kind !== 'ok') return { kind: 'unavailable', why: withoutMessage(whyNot(outcome)) };
    const parsed = tokenReview.safeParse(outcome.body);
    if (!parsed.success) return { kind: 'unavailable', why: 'the API server did not return a TokenReview' };
    const { authenticated, user, audiences } = parsed.data.status;
    if (!authenticated) return { kind: 'refused', why: 'the API server does not accept this JWT' };
    const account = accountOf(user?.username ?? '');
    // Servers that do not support audiences return none and have not checked them.
    if (!audiences.includes(audience) || account === undefined || !expects(account)) {
      return { kind: 'refused', why: 'a JWT whose audience or account differs from its claims' };
    }
    const pod = user?.extra?.['authentication.kubernetes.io/pod-name']?.[0];
    // A clock that runs ahead of the API server's must not end the call that was just accepted.
    const leftMs = Math.max(REVIEW_LIMITS.freshMsMax, claims.expMs - clock.unixMs());
    return {
      kind: 'genuine',
      account: { ...account, ...(pod !== undefined && { pod }) },
      endsAtMs: clock.monotonicMs() + leftMs,
    };
  }
}

interface Genuine {
  readonly review: Extract<Review, { kind: 'genuine' }>;
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
}

interface Refused {
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
  /** In Unix milliseconds. */
  readonly expMs: number;
}

/** The claims of a JWT, unverified; undefined if it is not a JWT. */
function claimsOf(token: string): Claims | undefined {
  if (token.length > REVIEW_LIMITS.tokenCharsMax) return undefined;
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

/** The server's message may quote the token. */
function withoutMessage(why: string): string {
  return why.replace(/\): .*$/s, ')');
}
