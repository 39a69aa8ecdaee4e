import { parseJson } from '../base/json.ts';
import { isOutOfDescriptors } from '../base/descriptors.ts';
import type { Unavailable } from '../token/source.ts';
import { transportWords } from '../upstream/transport-words.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import { type HubAnswer, type HubOutcome, isOfCredential } from './client.ts';
import { type HubToken, readReportResult, readToken, type ReportResult } from '../hub-api/read.ts';

/** The outcome of requesting a token from a hub. */
export type TokenOutcome =
  /** `report`: the outcome of a report; absent for a hub of version 0.1. */
  | { readonly kind: 'token'; readonly got: HubToken; readonly report?: ReportResult }
  | {
      readonly kind: 'none';
      readonly why: Unavailable;
      /** `unknown`: the hub has no such account for us. `soon`: a retry may help. */
      readonly next: 'unknown' | 'soon' | 'later';
      /** The hub's Retry-After. */
      readonly restMs: number;
    };

/** Upper bound for a hub's Retry-After. */
const REST_MS_MAX = 60_000;

/** Reads the response to a request for an account's token that was sent at `askedAtMs`. */
export function readTokenOutcome(outcome: HubOutcome, appid: string, askedAtMs: number): TokenOutcome {
  if (outcome.kind !== 'answer' || outcome.status !== 200) {
    return {
      kind: 'none',
      why: whyNot(outcome),
      next: whatNext(outcome),
      restMs: outcome.kind === 'answer' ? restMsOf(outcome.headers) : 0,
    };
  }
  const content = parseJson(outcome.body.toString('utf8'));
  const got = readToken(content, askedAtMs);
  if (got === undefined || got.appid !== appid) {
    return { kind: 'none', why: unavailable(noHub(outcome.host, 200)), next: 'later', restMs: 0 };
  }
  const report = readReportResult(content);
  if (got.token.expiresAtMs > askedAtMs) {
    return { kind: 'token', got, ...(report !== undefined && { report }) };
  }
  return { kind: 'none', why: unavailable('the token is about to expire'), next: 'soon', restMs: 0 };
}

/** For people: why there is no usable response, and what to do. */
export function whyNot(outcome: HubOutcome): Unavailable {
  switch (outcome.kind) {
    case 'no_credential':
      return unavailable(
        `the credential for the hub cannot be read: ${outcome.why} (WECHAT_SIDECAR_HUB_TOKEN_FILE)`,
      );
    case 'failed': {
      const { kind, host, reason } = outcome.failure;
      if (isOutOfDescriptors(reason))
        return unavailable(`nothing was sent to the hub: ${transportWords(reason)}`);
      return unavailable(
        kind === 'unreachable'
          ? `no hub can be reached (${host}): ${transportWords(reason)}; see WECHAT_SIDECAR_HUB_URL`
          : `the hub ${host} did not respond (${reason})`,
      );
    }
    case 'too_large':
      return unavailable(noHub(outcome.host, outcome.status));
    case 'answer':
      return refusal(outcome);
  }
}

function refusal(answer: HubAnswer): Unavailable {
  const { host, status, problem } = answer;
  if (isOfCredential(answer) || (status === 403 && problem === undefined)) {
    return unavailable(
      `the hub ${host} refuses our credential (HTTP ${status}): check the file that WECHAT_SIDECAR_HUB_TOKEN_FILE ` +
        'names, and allow this client or service account in the settings of the hub',
    );
  }
  if (problem === undefined) {
    return unavailable(status >= 500 ? `the hub ${host} returned HTTP ${status}` : noHub(host, status));
  }
  return unavailable(`the hub ${host} says: ${problem.detail}`, problem.errcode);
}

function noHub(host: string, status: number): string {
  return `the server at ${host} is not a hub (HTTP ${status}): check WECHAT_SIDECAR_HUB_URL`;
}

function whatNext(outcome: HubOutcome): 'unknown' | 'soon' | 'later' {
  if (outcome.kind === 'failed') return 'soon';
  if (outcome.kind === 'no_credential' || outcome.kind === 'too_large') return 'later';
  if (outcome.problem?.reason === 'unknown_app') return 'unknown';
  if (isOfCredential(outcome)) return 'later';
  // With an errcode, the platform refuses and will keep refusing.
  const mayPass = outcome.status >= 500 || outcome.status === 429;
  return mayPass && (outcome.problem?.errcode ?? -1) === -1 ? 'soon' : 'later';
}

/** The Retry-After of a response (in seconds) as milliseconds; 0 if there is none. */
export function restMsOf(headers: readonly string[]): number {
  const seconds = Number(headerValues(headers, 'retry-after')[0] ?? 0);
  return seconds > 0 ? Math.min(REST_MS_MAX, seconds * 1_000) : 0;
}

export function unavailable(message: string, errcode = -1): Unavailable {
  return { kind: 'unavailable', errcode, message };
}
