import type { ServiceAccount, TokenReviews } from '../kubernetes/token-review.ts';
import type { Caller, Recognition, Reviewers } from './callers.ts';

/** Service accounts that may come, and the accounts that they may use. */
export interface ServiceAccountRule {
  readonly namespace: string;
  /** `*` stands for every service account of the namespace. */
  readonly serviceAccount: string;
  readonly apps: readonly string[];
}

/** The appids that the rules give to a service account together; empty: it may not come. */
export function appsFor(
  { namespace, name }: ServiceAccount,
  rules: readonly ServiceAccountRule[],
): ReadonlySet<string> {
  const fitting = rules.filter(
    (rule) => rule.namespace === namespace && (rule.serviceAccount === name || rule.serviceAccount === '*'),
  );
  return new Set(fitting.flatMap((rule) => rule.apps));
}

/** Recognises Kubernetes service accounts by their projected tokens. */
export function serviceAccountReviewers(
  reviews: Pick<TokenReviews, 'review'>,
  rules: () => readonly ServiceAccountRule[],
): Reviewers {
  return {
    async recognise(token): Promise<Recognition> {
      const review = await reviews.review(token);
      if (review.kind === 'refused') return { kind: 'stranger', why: review.why };
      if (review.kind === 'unavailable') return { kind: 'undecided', why: review.why };
      const { account, endsAtMs } = review;
      const apps = appsFor(account, rules());
      if (apps.size === 0) return { kind: 'stranger', why: 'a service account that is not allowed' };
      const caller: Caller = {
        kind: 'service account',
        name: `${account.namespace}/${account.name}`,
        ...(account.pod !== undefined && { pod: account.pod }),
        apps,
        endsAtMs,
      };
      return { kind: 'caller', caller };
    },
    stillHolds(caller) {
      const [namespace = '', name = ''] = caller.name.split('/');
      const now = appsFor({ namespace, name }, rules());
      return now.size === caller.apps.size && [...now].every((appid) => caller.apps.has(appid));
    },
  };
}
