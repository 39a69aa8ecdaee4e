import { fingerprintOf } from '../../src/base/secret.ts';
import type { TokenMode } from '../../src/token/token.ts';
import type { AskRequest } from '../../src/wechat/ask.ts';
import type { Knobs } from './knobs.ts';

export const APPID = 'wx0123456789abcdef';

/** A token that the platform gave, and what became of it. */
export interface Given {
  /** Its place among all that were ever given. */
  readonly index: number;
  readonly mode: TokenMode;
  readonly value: string;
  readonly fingerprint: string;
  readonly issuedMs: number;
  /** When it ages. */
  readonly agesMs: number;
  /** When it ends otherwise: overwritten, or revoked. */
  endsMs: number;
  /** When its successor was given, and when it was revoked. */
  overwrittenMs?: number;
  revokedMs?: number;
}

/** Why a call was refused: by the life of the token, or by something that no other token cures. */
export type Cause = 'none' | 'dead' | 'endpoint' | 'stray';

export interface Reply {
  readonly body: string;
  readonly errcode: number;
  readonly cause: Cause;
}

/** What a caller asked the platform for with the AppSecret. */
export interface Asked {
  readonly atMs: number;
  readonly by: string;
  readonly kind: 'fetch' | 'force' | 'probe' | 'ticket';
  readonly errcode: number;
  /** The token that it gave, where it is another than the caller was given before. */
  readonly given?: Given | undefined;
}

const RENEWAL_MS = 300_000;
const FORCE_SPACING_MS = 30_000;
const FORCES_MAX = 20;
const DAY_MS = 86_400_000;
const TICKET_S = 7_200;

/** The platform, as far as its documents go; and what they leave open as the knobs say. */
export class Platform {
  readonly knobs: Knobs;
  readonly given: Given[] = [];
  readonly byFingerprint = new Map<string, Given>();
  readonly byValue = new Map<string, Given>();
  /** Of our own hubs. */
  readonly asked: Asked[] = [];
  secret = 'secret-1';
  lifeS: number;
  /** Paths that refuse every token, and what they answer. */
  readonly refusing = new Map<string, number>();
  /** How many of the next calls of a path are refused for no reason. */
  readonly strays = new Map<string, number>();
  /** Authenticator that are not on the IP list. */
  readonly notListed = new Set<string>();
  /** What every call that carries the secret gets instead of an answer. */
  diagnosis: 'none' | 'busy' | 'empty' | 'http500' = 'none';
  /** What happens as soon as a caller has been given a token. */
  readonly onceFetched = new Map<string, () => void>();
  onAsked: (asked: Asked) => void = () => {};
  onGiven: (given: Given) => void = () => {};
  readonly #now: () => number;
  readonly #current: Partial<Record<TokenMode, Given>> = {};
  readonly #previous: Partial<Record<TokenMode, Given>> = {};
  readonly #forcedMs: number[] = [];
  #tickets = 0;
  #ticket: { value: string; endsMs: number } | undefined;

  constructor(knobs: Knobs, now: () => number) {
    this.knobs = knobs;
    this.lifeS = knobs.lifeS;
    this.#now = now;
  }

  /** When the platform ceases to take it. */
  endOf(given: Given): number {
    return Math.min(given.agesMs, given.endsMs);
  }

  accepts(fingerprint: string | undefined): boolean {
    const given = fingerprint === undefined ? undefined : this.byFingerprint.get(fingerprint);
    return given !== undefined && this.endOf(given) > this.#now();
  }

  current(mode: TokenMode): Given | undefined {
    return this.#current[mode];
  }

  /** Ends a token before its time. */
  revoke(mode: TokenMode): void {
    const given = this.#current[mode];
    if (given === undefined) return;
    given.endsMs = Math.min(given.endsMs, this.#now());
    given.revokedMs ??= this.#now();
  }

  resetSecret(): string {
    const serial = Number(this.secret.split('-')[1]) + 1;
    this.secret = `secret-${serial}`;
    if (!this.knobs.tokensSurviveReset) {
      this.revoke('stable');
      this.revoke('classic');
    }
    return this.secret;
  }

  /** A program that knows nothing of us fetches a token. */
  foreignFetch(mode: TokenMode, force: boolean): void {
    this.#fetch(mode, force);
  }

  /** A call with the AppSecret, or a probe: from a hub, or from a sidecar with an account of its own. */
  serve(request: AskRequest, by: string): { status: number; body: string } {
    const [path = '', query = ''] = request.path.split('?', 2);
    const params = new URLSearchParams(query);
    switch (path) {
      case '/cgi-bin/get_api_domain_ip': {
        const reply = this.call(path, params.get('access_token') ?? '');
        this.#note({ by, kind: 'probe', errcode: reply.errcode });
        return { status: 200, body: reply.body };
      }
      case '/cgi-bin/ticket/getticket': {
        const reply = this.call(path, params.get('access_token') ?? '');
        const body = reply.errcode === 0 ? this.#giveTicket() : reply.body;
        this.#note({ by, kind: 'ticket', errcode: reply.errcode });
        return { status: 200, body };
      }
      case '/cgi-bin/token':
        return this.#serveFetch('classic', params.get('secret'), false, by);
      case '/cgi-bin/stable_token': {
        const fields = JSON.parse(request.body ?? '{}') as { secret?: string; force_refresh?: boolean };
        return this.#serveFetch('stable', fields.secret, fields.force_refresh === true, by);
      }
      default:
        return { status: 200, body: problem(40066, 'invalid url') };
    }
  }

  /** A call with a token. */
  call(path: string, token: string): Reply {
    const errcode = this.#judge(token);
    if (errcode !== 0) return { errcode, cause: 'dead', body: problem(errcode, 'invalid credential') };
    const refused = this.refusing.get(path);
    if (refused !== undefined) {
      return { errcode: refused, cause: 'endpoint', body: problem(refused, 'invalid credential') };
    }
    const strays = this.strays.get(path) ?? 0;
    if (strays > 0) {
      this.strays.set(path, strays - 1);
      return { errcode: 40001, cause: 'stray', body: problem(40001, 'invalid credential') };
    }
    return { errcode: 0, cause: 'none', body: problem(0, 'ok') };
  }

  /** When the ticket that was given last ends. */
  get ticketEndsMs(): number {
    return this.#ticket?.endsMs ?? -Infinity;
  }

  forcedSince(sinceMs: number): readonly number[] {
    return this.#forcedMs.filter((atMs) => atMs >= sinceMs);
  }

  #judge(value: string): number {
    const given = this.byValue.get(value);
    if (given === undefined || this.#isForgotten(given)) return this.knobs.garbageErrcode;
    const nowMs = this.#now();
    if (given.endsMs <= nowMs) return 40001;
    return given.agesMs <= nowMs ? 42001 : 0;
  }

  /** Of what it has given it knows the current token of each kind, and the one before. */
  #isForgotten(given: Given): boolean {
    return given !== this.#current[given.mode] && given !== this.#previous[given.mode];
  }

  #serveFetch(
    mode: TokenMode,
    secret: string | null | undefined,
    force: boolean,
    by: string,
  ): { status: number; body: string } {
    const kind = force ? 'force' : 'fetch';
    const refuse = (errcode: number, words: string): { status: number; body: string } => {
      this.#note({ by, kind, errcode });
      return { status: 200, body: problem(errcode, words) };
    };
    switch (this.diagnosis) {
      case 'busy':
        return refuse(-1, 'system busy');
      case 'empty':
        return { ...refuse(-1, ''), body: '' };
      case 'http500':
        return { ...refuse(-1, ''), status: 502 };
      case 'none':
    }
    if (this.notListed.has(by))
      return refuse(40164, 'invalid ip 10.0.0.1 ipv6 ::ffff:10.0.0.1, not in whitelist');
    if (secret !== this.secret) return refuse(40125, 'invalid appsecret');
    const fetched = this.#fetch(mode, force);
    if (typeof fetched === 'number') return refuse(fetched, 'api limit');
    this.#note({ by, kind, errcode: 0, given: fetched });
    const onceFetched = this.onceFetched.get(by);
    this.onceFetched.delete(by);
    onceFetched?.();
    const leftS = Math.max(1, Math.floor((fetched.agesMs - this.#now()) / 1_000));
    return { status: 200, body: JSON.stringify({ access_token: fetched.value, expires_in: leftS }) };
  }

  #fetch(mode: TokenMode, force: boolean): Given | number {
    const nowMs = this.#now();
    const current = this.#current[mode];
    if (mode === 'classic') return this.#give(mode, this.knobs.overlapMs);
    if (force) return this.#force(current);
    // A token that was revoked is handed out all the same: the stable endpoint goes by age.
    if (current === undefined) return this.#give(mode, 0);
    const leftMs = current.agesMs - nowMs;
    const isKept = this.knobs.boundaryIncluded ? leftMs > RENEWAL_MS : leftMs >= RENEWAL_MS;
    return isKept || this.#isShort(current, leftMs) ? current : this.#give(mode, Infinity);
  }

  /** Lives under half an hour leave the last sixth for renewal. */
  #isShort(current: Given, leftMs: number): boolean {
    const lifeMs = current.agesMs - current.issuedMs;
    return lifeMs < 6 * RENEWAL_MS && leftMs > lifeMs / 6;
  }

  #force(current: Given | undefined): Given | number {
    const nowMs = this.#now();
    const lastMs = this.#forcedMs.at(-1) ?? -Infinity;
    if (nowMs - lastMs < FORCE_SPACING_MS) {
      return this.knobs.forceTooSoon === 'current' && current !== undefined ? current : 45011;
    }
    if (this.forcedSince(nowMs - DAY_MS).length >= FORCES_MAX) {
      return this.knobs.forceTooMany === 'current' && current !== undefined ? current : 45009;
    }
    this.#forcedMs.push(nowMs);
    return this.#give('stable', this.knobs.forceOverlapMs);
  }

  #give(mode: TokenMode, overlapMs: number): Given {
    const nowMs = this.#now();
    const index = this.given.length;
    const value = `${mode}_${String(index).padStart(6, '0')}_abcdefghijklmnopqrstuvwxyz0123456789`;
    const previous = this.#current[mode];
    const before = this.#previous[mode];
    // Only the immediate predecessor has any grace.
    if (before !== undefined) before.endsMs = Math.min(before.endsMs, nowMs);
    if (previous !== undefined) previous.endsMs = Math.min(previous.endsMs, nowMs + overlapMs);
    if (previous !== undefined) previous.overwrittenMs ??= nowMs;
    const given: Given = {
      index,
      mode,
      value,
      fingerprint: fingerprintOf(value),
      issuedMs: nowMs,
      agesMs: nowMs + this.lifeS * 1_000,
      endsMs: Infinity,
    };
    this.given.push(given);
    this.byFingerprint.set(given.fingerprint, given);
    this.byValue.set(value, given);
    if (previous !== undefined) this.#previous[mode] = previous;
    this.#current[mode] = given;
    this.onGiven(given);
    return given;
  }

  #giveTicket(): string {
    const nowMs = this.#now();
    const isKept =
      this.knobs.ticketRepeats && this.#ticket !== undefined && this.#ticket.endsMs > nowMs + 1_000;
    if (!isKept) {
      this.#tickets += 1;
      this.#ticket = { value: `ticket-${this.#tickets}`, endsMs: nowMs + TICKET_S * 1_000 };
    }
    const { value, endsMs } = this.#ticket as { value: string; endsMs: number };
    const leftS = Math.floor((endsMs - nowMs) / 1_000);
    return JSON.stringify({ errcode: 0, errmsg: 'ok', ticket: value, expires_in: leftS });
  }

  #note(asked: Omit<Asked, 'atMs'>): void {
    const whole: Asked = { atMs: this.#now(), ...asked };
    this.asked.push(whole);
    this.onAsked(whole);
  }
}

function problem(errcode: number, errmsg: string): string {
  return JSON.stringify({ errcode, errmsg });
}
