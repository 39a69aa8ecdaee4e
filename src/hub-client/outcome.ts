import { parseJson } from '../base/json.ts';
import { isOutOfDescriptors } from '../base/descriptors.ts';
import type { Unavailable } from '../token/source.ts';
import { transportWords } from '../upstream/transport-words.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import { type HubAnswer, type HubOutcome, isOfCredential } from './client.ts';
import { type HubToken, readReportResult, readToken, type ReportResult } from '../hub-api/read.ts';

/** What came of asking a hub for a token. */
export type TokenOutcome =
  /** `report`: what became of a report; absent from a hub of version 0.1. */
  | { readonly kind: 'token'; readonly got: HubToken; readonly report?: ReportResult }
  | {
      readonly kind: 'none';
      readonly why: Unavailable;
      /** `unknown`: the hub has no such account for us. `soon`: asking again may help. */
      readonly next: 'unknown' | 'soon' | 'later';
      /** How long the hub asks to be left alone. */
      readonly restMs: number;
    };

/** No hub makes us wait longer than this. */
const REST_MS_MAX = 60_000;

/** Reads the answer to a question for the token of an account; `askedAtMs` is when it was asked. */
export function readTokenOutcome(outcome: HubOutcome, appid: string, askedAtMs: number): TokenOutcome {
  if (outcome.kind !== 'answer' || outcome.status !== 200) {
    return {
      kind: 'none',
      why: whyNot(outcome),
      next: whatNext(outcome),
      restMs: outcome.kind === 'answer' ? restMsOf(outcome.headers) : 0,
    };
  }
  const told = parseJson(outcome.body.toString('utf8'));
  const got = readToken(told, askedAtMs);
  if (got === undefined || got.appid !== appid) {
    return { kind: 'none', why: unavailable(noHub(outcome.host, 200)), next: 'later', restMs: 0 };
  }
  const report = readReportResult(told);
  if (got.token.expiresAtMs > askedAtMs) {
    return { kind: 'token', got, ...(report !== undefined && { report }) };
  }
  return { kind: 'none', why: unavailable('the token is in its last second'), next: 'soon', restMs: 0 };
}

/** In words for people: why there is no answer that counts, and what to do. */
export function whyNot(outcome: HubOutcome): Unavailable {
  switch (outcome.kind) {
    case 'no_credential':
      return unavailable(
        `the credential for the hub cannot be had: ${outcome.why} (WECHAT_SIDECAR_HUB_TOKEN_FILE)`,
      );
    case 'failed': {
      const { kind, host, reason } = outcome.failure;
      if (isOutOfDescriptors(reason)) return unavailable(`the hub was not asked: ${transportWords(reason)}`);
      return unavailable(
        kind === 'unreachable'
          ? `no hub can be reached (${host}): ${transportWords(reason)}; see WECHAT_SIDECAR_HUB_URL`
          : `the hub ${host} gave no answer (${reason})`,
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
    return unavailable(status >= 500 ? `the hub ${host} answered HTTP ${status}` : noHub(host, status));
  }
  return unavailable(`the hub ${host} says: ${problem.detail}`, problem.errcode);
}

function noHub(host: string, status: number): string {
  return `what answers at ${host} is no hub (HTTP ${status}): check WECHAT_SIDECAR_HUB_URL`;
}

function whatNext(outcome: HubOutcome): 'unknown' | 'soon' | 'later' {
  if (outcome.kind === 'failed') return 'soon';
  if (outcome.kind === 'no_credential' || outcome.kind === 'too_large') return 'later';
  if (outcome.problem?.reason === 'unknown_app') return 'unknown';
  if (isOfCredential(outcome)) return 'later';
  // With an errcode of its own it is the platform that refuses, and goes on to.
  const mayPass = outcome.status >= 500 || outcome.status === 429;
  return mayPass && (outcome.problem?.errcode ?? -1) === -1 ? 'soon' : 'later';
}

/** How long an answer asks to be left alone: its Retry-After, in seconds. */
export function restMsOf(headers: readonly string[]): number {
  const seconds = Number(headerValues(headers, 'retry-after')[0] ?? 0);
  return seconds > 0 ? Math.min(REST_MS_MAX, seconds * 1_000) : 0;
}

export function unavailable(message: string, errcode = -1): Unavailable {
  return { kind: 'unavailable', errcode, message };
}
