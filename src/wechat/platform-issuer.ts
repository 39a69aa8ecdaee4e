import { Secret } from '../base/secret.ts';
import { isTokenText, lifeSecondsOf } from '../token/answer-fields.ts';
import { integerIn, readObject } from './answer-body.ts';
import type { Ask, AskOutcome, AskRequest } from './ask.ts';
import type { Credentials, Failure, FetchOutcome, Issuer, ProbeOutcome } from './issuer.ts';
import { plainAddress } from './plain-address.ts';
import { REFUSED_ERRCODES, ridOf } from './verdict.ts';

const FETCH_TIMEOUT_MS = 5_000;
const PROBE_TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 256 * 1024;
/** The platform currently returns two hours; whatever it returns, we ask at least daily. */
const LIFE_MS_MAX = 24 * 3_600_000;

/** Codes that the platform returns only if it accepted the token: success, no permission, quota used up. */
const PAST_THE_TOKEN: ReadonlySet<number> = new Set([0, 48001, 45009]);

/** Fetches and probes tokens at the platform itself, by `ask`. */
export function makePlatformIssuer(ask: Ask): Issuer {
  return {
    async fetch(app, force) {
      return readTokenAnswer(
        await ask(app.mode === 'stable' ? stableRequest(app, force) : classicRequest(app)),
      );
    },
    async probe(token) {
      const query = new URLSearchParams({ access_token: token.value.reveal() });
      const path = `/cgi-bin/get_api_domain_ip?${query.toString()}`;
      return readProbeAnswer(await ask({ method: 'GET', path, timeoutMs: PROBE_TIMEOUT_MS }));
    },
  };
}

function stableRequest(app: Credentials, force: boolean): AskRequest {
  const body = JSON.stringify({
    grant_type: 'client_credential',
    appid: app.appid,
    secret: app.secret.reveal(),
    force_refresh: force,
  });
  return { method: 'POST', path: '/cgi-bin/stable_token', body, timeoutMs: FETCH_TIMEOUT_MS };
}

function classicRequest(app: Credentials): AskRequest {
  const query = new URLSearchParams({
    grant_type: 'client_credential',
    appid: app.appid,
    secret: app.secret.reveal(),
  });
  return { method: 'GET', path: `/cgi-bin/token?${query.toString()}`, timeoutMs: FETCH_TIMEOUT_MS };
}

function readTokenAnswer(outcome: AskOutcome): FetchOutcome {
  const answer = readAnswer(outcome);
  if (answer.kind === 'failure') return answer;
  if (answer.errcode !== undefined && answer.errcode !== 0) return platformFailure(answer, answer.errcode);
  const value = answer.fields['access_token'];
  if (!isTokenText(value)) {
    return unreadable('access_token is not 16 to 2,048 characters of printable ASCII');
  }
  const expiresInS = lifeSecondsOf(answer.fields['expires_in']);
  if (expiresInS === undefined) return unreadable('expires_in is not a positive number');
  return { kind: 'token', value: new Secret(value), expiresInMs: Math.min(expiresInS * 1_000, LIFE_MS_MAX) };
}

function readProbeAnswer(outcome: AskOutcome): ProbeOutcome {
  const answer = readAnswer(outcome);
  if (answer.kind === 'failure') return answer;
  const errcode = answer.errcode ?? 0;
  if (PAST_THE_TOKEN.has(errcode)) return { kind: 'accepted' };
  return REFUSED_ERRCODES.has(errcode) ? { kind: 'refused', errcode } : platformFailure(answer, errcode);
}

interface Answer {
  readonly kind: 'answer';
  readonly errcode: number | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Reads a JSON object, whatever its Content-Type. Numbers may be strings. */
function readAnswer(outcome: AskOutcome): Answer | Failure {
  if (outcome.kind === 'failed') {
    const { reason, misconfigured } = outcome;
    if (misconfigured !== undefined)
      return { kind: 'failure', cause: 'route', reason, detail: misconfigured };
    return { kind: 'failure', cause: 'transport', detail: reason };
  }
  const { status, body } = outcome;
  const seen = `HTTP ${status}, ${body.length} bytes`;
  if (status === 429) return { kind: 'failure', cause: 'throttled', detail: seen };
  if (status < 200 || status > 299) return unreadable(seen);
  if (body.length > ANSWER_BYTES_MAX) return unreadable(`${seen}, too large`);
  const fields = readObject(body);
  if (fields === undefined) return unreadable(`${seen}, not a JSON object`);
  const errcode = integerIn(fields['errcode']);
  const isClear = fields['errcode'] === undefined || errcode !== undefined;
  return isClear ? { kind: 'answer', errcode, fields } : unreadable(`${seen}, errcode is not a number`);
}

function unreadable(detail: string): Failure {
  return { kind: 'failure', cause: 'unreadable', detail };
}

/**
 * Only what matches these patterns is copied from the errmsg, because it may quote what we sent.
 * Formats: rid is three groups of eight hex digits; 40164 says `invalid ip A ipv6 B, not in whitelist`,
 * 61004 says `requestIP: A`.
 */
function platformFailure(answer: Answer, errcode: number): Failure {
  const errmsg = answer.fields['errmsg'];
  const text = typeof errmsg === 'string' ? errmsg.slice(0, 1_000) : '';
  const rid = ridOf(text);
  const address = /\b(?:ip|requestIP):?\s{1,3}([0-9a-f.:]{2,45})/i.exec(text)?.[1];
  const ip = address === undefined ? undefined : plainAddress(address);
  return {
    kind: 'failure',
    cause: 'platform',
    errcode,
    ...(rid !== undefined && { rid }),
    ...(ip !== undefined && { ip }),
    detail: `errcode ${errcode}`,
  };
}
