import { isDeepStrictEqual } from 'node:util';
import type { ServiceAccount, TokenReviews } from '../kubernetes/token-review.ts';
import { type Caller, type Grant, grantOf, type Authentication, type Reviewers } from './authenticator.ts';
import type { Right } from '../hub-api/rights.ts';

/** Service accounts with access to the hub, and the accounts that they may use. */
export interface ServiceAccountRule {
  readonly namespace: string;
  /** `*` means every service account of the namespace. */
  readonly serviceAccount: string;
  readonly apps: readonly string[];
  readonly may: readonly Right[];
  readonly urlHosts?: readonly string[] | undefined;
}

/** The grants of a service account, one per matching rule; if empty, it has no access. */
export function grantsFor(
  { namespace, name }: ServiceAccount,
  rules: readonly ServiceAccountRule[],
): readonly Grant[] {
  const fitting = rules.filter(
    (rule) => rule.namespace === namespace && (rule.serviceAccount === name || rule.serviceAccount === '*'),
  );
  return fitting.map(grantOf);
}

/** Authenticates Kubernetes service accounts by their projected tokens. */
export function serviceAccountReviewers(
  reviews: Pick<TokenReviews, 'review'>,
  rules: () => readonly ServiceAccountRule[],
): Reviewers {
  return {
    async authenticate(token, peer): Promise<Authentication> {
      const review = await reviews.review(token, peer);
      if (review.kind === 'refused') return { kind: 'unauthenticated', why: review.why };
      if (review.kind === 'unavailable') return { kind: 'unavailable', why: review.why };
      const { account, endsAtMs } = review;
      const grants = grantsFor(account, rules());
      if (grants.length === 0)
        return { kind: 'unauthenticated', why: 'a service account that is not allowed' };
      const caller: Caller = {
        kind: 'service account',
        name: `${account.namespace}/${account.name}`,
        ...(account.pod !== undefined && { pod: account.pod }),
        grants,
        endsAtMs,
      };
      return { kind: 'caller', caller };
    },
    isStillValid(caller) {
      const [namespace = '', name = ''] = caller.name.split('/');
      return isDeepStrictEqual(grantsFor({ namespace, name }, rules()), caller.grants);
    },
  };
}
