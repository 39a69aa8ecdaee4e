import { CALLER_WAIT_MS_MAX } from '../token/policy.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { LruTable } from '../base/lru-table.ts';
import type { Random } from '../base/random.ts';
import { fingerprintOf, Secret } from '../base/secret.ts';
import { waitAtMost } from '../base/wait.ts';
import { lifeSecondsOf } from '../token/answer-fields.ts';
import type { TokenSource, Unavailable } from '../token/source.ts';
import type { Token } from '../token/token.ts';
import { integerIn, readObject } from '../wechat/answer-body.ts';
import type { Ask, AskOutcome } from '../wechat/ask.ts';
import { REFUSED_ERRCODES } from '../wechat/verdict.ts';
import {
  liveTicket,
  needsTicket,
  NO_TICKET,
  type TicketPlan,
  withFailure,
  withTicket,
} from '../token/ticket-plan.ts';
import type { Ticket, TicketAnswer, Tickets, TicketType } from '../token/ticket.ts';

export interface KeptTickets extends Tickets {
  /** Drops the tickets of accounts that are no longer served. */
  keepOnly(appids: readonly string[]): void;
  close(): void;
}

export interface TicketParts {
  readonly tokens: Pick<TokenSource, 'token' | 'report'>;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** While requests fail, callers that can get the current ticket do not wait longer than this for a fresher one. */
const FAILING_WAIT_MS_MAX = 500;
const FETCH_MS_MAX = 5_000;
const TICKET_CHARS_MAX = 2_048;
const LIFE_MS_MAX = 24 * 3_600_000;
/** A ticket that was not requested in this time is not renewed. */
const WANTED_MS = 12 * 3_600_000;
export const KEPT_MAX = 1_000;

const TICKET_PATH = '/cgi-bin/ticket/getticket';

/** Keeps a copy of each requested ticket and renews it on its own schedule, independent of the token's. */
export function keepTickets(parts: TicketParts): KeptTickets {
  const kept = new LruTable<string, TicketKeeper>(KEPT_MAX, (keeper) => keeper.close());
  return {
    ticket(appid, type) {
      const key = `${type} ${appid}`;
      let keeper = kept.get(key);
      if (keeper === undefined) {
        keeper = new TicketKeeper(appid, type, parts);
        kept.set(key, keeper);
      }
      return keeper.ticket();
    },
    keepOnly(appids) {
      for (const [key, { appid }] of kept) if (!appids.includes(appid)) kept.delete(key);
    },
    close: () => kept.clear(),
  };
}

type Failure = { readonly kind: 'failure'; readonly errcode: number; readonly why: string };
type Fetched =
  { readonly kind: 'ticket'; readonly value: string; readonly expiresInMs: number } | Failure | Unavailable;

class TicketKeeper {
  readonly appid: string;
  readonly #type: TicketType;
  readonly #parts: TicketParts;
  #plan: TicketPlan = NO_TICKET;
  #running: Promise<void> | undefined;
  #diagnosis: Unavailable | undefined;
  /** The fingerprint of the token that last fetched a ticket, unless it was reported since. */
  #succeededWith: string | undefined;
  #wantedMs = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(appid: string, type: TicketType, parts: TicketParts) {
    this.appid = appid;
    this.#type = type;
    this.#parts = parts;
  }

  async ticket(): Promise<TicketAnswer> {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#wantedMs = nowMs;
    const mayAsk = this.#running !== undefined || nowMs >= this.#plan.askFromMs;
    if (mayAsk && needsTicket(this.#plan, nowMs)) {
      const isServed = this.#live() !== undefined && this.#plan.failures > 0;
      await waitAtMost(clock, isServed ? FAILING_WAIT_MS_MAX : CALLER_WAIT_MS_MAX, this.#renew());
    }
    const live = this.#live();
    if (live !== undefined) return { kind: 'ticket', ticket: live };
    return (
      this.#diagnosis ?? {
        kind: 'unavailable',
        errcode: -1,
        message: `The platform has not responded to the request for a ${this.#type} ticket yet; try again in a moment.`,
      }
    );
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #live(): Ticket | undefined {
    return liveTicket(this.#plan, this.#parts.clock.monotonicMs());
  }

  /** One round at a time, shared by all callers. */
  #renew(): Promise<void> {
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #round(): Promise<void> {
    const startedMs = this.#parts.clock.monotonicMs();
    const fetched = await this.#fetch();
    if (this.#closed) return;
    if (fetched.kind === 'ticket') this.#keep(fetched.value, startedMs, fetched.expiresInMs);
    else this.#rest(fetched);
  }

  #keep(value: string, startedMs: number, expiresInMs: number): void {
    const { clock, random, log } = this.#parts;
    const fingerprint = fingerprintOf(value);
    const isSame = this.#plan.ticket?.fingerprint === fingerprint;
    const expiresAtMs = startedMs + expiresInMs;
    const ticket = { value: new Secret(value), fingerprint, issuedAtMs: startedMs, expiresAtMs };
    this.#plan = withTicket(this.#plan, ticket, clock.monotonicMs(), random);
    this.#diagnosis = undefined;
    this.#arm();
    const fields = { app: this.appid, type: this.#type, fingerprint, expiresInS: expiresInMs / 1_000 };
    if (isSame) log.debug('ticket is still the same', fields);
    else log.info('ticket refreshed', fields);
  }

  #rest(diagnosis: Failure | Unavailable): void {
    const { clock, random, log } = this.#parts;
    const { kind, errcode } = diagnosis;
    // A refused token is replaced within seconds, so that failure is not final.
    const isFinal = kind === 'failure' && errcode > 0 && !REFUSED_ERRCODES.has(errcode);
    this.#plan = withFailure(this.#plan, isFinal, clock.monotonicMs(), random);
    this.#diagnosis =
      diagnosis.kind === 'unavailable'
        ? diagnosis
        : { kind: 'unavailable', errcode, message: `No ${this.#type} ticket: ${diagnosis.why}.` };
    if (this.#live() !== undefined) this.#arm();
    const { message } = this.#diagnosis;
    log.warn('ticket fetch failed', { app: this.appid, type: this.#type, errcode, message });
  }

  #arm(): void {
    const { clock } = this.#parts;
    this.#timer?.cancel();
    this.#timer = clock.after(this.#plan.renewAtMs - clock.monotonicMs(), () => {
      if (clock.monotonicMs() - this.#wantedMs < WANTED_MS) void this.#renew();
    });
  }

  /** Reports a token that is refused here, and retries once with its successor. */
  async #fetch(): Promise<Fetched> {
    const { tokens } = this.#parts;
    const granted = await tokens.token(this.appid);
    if (granted.kind === 'unavailable') return granted;
    const first = await this.#ask(granted.token);
    if (first.kind !== 'failure' || !REFUSED_ERRCODES.has(first.errcode)) return first;
    const next = await tokens.report(this.appid, {
      fingerprint: granted.token.fingerprint,
      errcode: first.errcode,
      path: TICKET_PATH,
      succeeded: this.#succeededWith === granted.token.fingerprint,
    });
    this.#succeededWith = undefined;
    if (next.kind === 'unavailable' || next.token.fingerprint === granted.token.fingerprint) return first;
    return this.#ask(next.token);
  }

  async #ask(token: Token): Promise<Fetched> {
    const query = new URLSearchParams({ access_token: token.value.reveal(), type: this.#type });
    const path = `${TICKET_PATH}?${query.toString()}`;
    const fetched = readTicket(await this.#parts.ask({ method: 'GET', path, timeoutMs: FETCH_MS_MAX }));
    if (fetched.kind === 'ticket') this.#succeededWith = token.fingerprint;
    return fetched;
  }
}

/** `{"errcode":0,"errmsg":"ok","ticket":"…","expires_in":7200}` */
function readTicket(outcome: AskOutcome): Fetched {
  if (outcome.kind === 'failed') {
    return failure(-1, `the platform could not be reached (${outcome.reason})`);
  }
  const fields = readObject(outcome.body) ?? {};
  const errcode = integerIn(fields['errcode']) ?? 0;
  if (errcode !== 0) return failure(errcode, `the platform returned errcode ${errcode}`);
  const { ticket, expires_in: expiresIn } = fields;
  const expiresInS = lifeSecondsOf(expiresIn);
  const isTicket =
    typeof ticket === 'string' && /^[\x21-\x7e]+$/.test(ticket) && ticket.length <= TICKET_CHARS_MAX;
  if (!isTicket || expiresInS === undefined) {
    return failure(-1, `the platform's response is unusable (HTTP ${outcome.status})`);
  }
  return { kind: 'ticket', value: ticket, expiresInMs: Math.min(expiresInS * 1_000, LIFE_MS_MAX) };
}

function failure(errcode: number, why: string): Failure {
  return { kind: 'failure', errcode, why };
}
