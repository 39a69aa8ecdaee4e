import { CALLER_WAIT_MS_MAX } from '../token/policy.ts';
import { isObject, parseJson } from '../base/json.ts';
import type { Clock } from '../base/clock.ts';
import { LruTable } from '../base/lru-table.ts';
import { fingerprintOf, Secret } from '../base/secret.ts';
import { waitAtMost } from '../base/wait.ts';
import { LAST_SECOND_MS, LEFT_MS_MIN } from '../token/ticket-plan.ts';
import { lifeSecondsOf } from '../token/answer-fields.ts';
import type { Unavailable } from '../token/source.ts';
import type { HubClient } from './client.ts';
import { restMsOf, unavailable, whyNot } from './outcome.ts';
import type { Ticket, TicketAnswer, Tickets, TicketType } from '../token/ticket.ts';

/** While the hub fails, callers that can get the current copy do not wait longer than this for a fresher one. */
const FAILING_WAIT_MS_MAX = 500;

/** Minimum interval between requests to the hub, which observes the platform's own spacing. */
const REST_MS = 2_000;

export const COPIES_MAX = 1_000;

interface Copy {
  ticket: Ticket | undefined;
  /** The hub is not asked again before this. */
  quietUntilMs: number;
  isFailing: boolean;
  asking: Promise<void> | undefined;
  why: Unavailable | undefined;
}

/**
 * Copies of a hub's tickets. If one has less left than SDKs need, the hub is asked for a fresher one; the copy
 * is returned only if the hub has none.
 */
export class HubTickets implements Tickets {
  readonly #client: HubClient;
  readonly #clock: Clock;
  readonly #copies = new LruTable<string, Copy>(COPIES_MAX);

  constructor(client: HubClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Waits at most `waitMs` for the hub, and then takes the copy in hand. */
  async ticket(appid: string, type: TicketType, waitMs = Infinity): Promise<TicketAnswer> {
    const key = `${type} ${appid}`;
    const copy = this.#copies.get(key) ?? {
      ticket: undefined,
      quietUntilMs: 0,
      isFailing: false,
      asking: undefined,
      why: undefined,
    };
    this.#copies.set(key, copy);
    if (!this.#hasLeft(copy.ticket, LEFT_MS_MIN)) await this.#fresher(copy, appid, type, waitMs);
    if (this.#hasLeft(copy.ticket, LAST_SECOND_MS)) return { kind: 'ticket', ticket: copy.ticket };
    return copy.why ?? unavailable('the hub has not returned a ticket');
  }

  async #fresher(copy: Copy, appid: string, type: TicketType, waitMs: number): Promise<void> {
    if (copy.asking === undefined && this.#clock.monotonicMs() >= copy.quietUntilMs) {
      copy.asking = this.#ask(copy, appid, type).finally(() => {
        copy.asking = undefined;
      });
    }
    const { asking } = copy;
    if (asking === undefined) return;
    const isServed = copy.isFailing && this.#hasLeft(copy.ticket, LAST_SECOND_MS);
    const limitMs = isServed ? Math.min(waitMs, FAILING_WAIT_MS_MAX) : waitMs;
    await (limitMs === Infinity ? asking : waitAtMost(this.#clock, limitMs, asking));
  }

  async #ask(copy: Copy, appid: string, type: TicketType): Promise<void> {
    const askedAtMs = this.#clock.monotonicMs();
    const path = `/v1/apps/${encodeURIComponent(appid)}/ticket?type=${type}`;
    const outcome = await this.#client.ask({
      method: 'GET',
      path,
      timeoutMs: CALLER_WAIT_MS_MAX,
      repeatable: true,
    });
    const isAnswer = outcome.kind === 'answer' && outcome.status === 200;
    const ticket = isAnswer ? readTicket(parseJson(outcome.body.toString('utf8')), askedAtMs) : undefined;
    const restMs = outcome.kind === 'answer' ? restMsOf(outcome.headers) : 0;
    copy.quietUntilMs = this.#clock.monotonicMs() + Math.max(restMs, REST_MS);
    copy.isFailing = ticket === undefined;
    if (ticket === undefined) copy.why = whyNot(outcome);
    else copy.ticket = ticket;
  }

  #hasLeft(ticket: Ticket | undefined, leftMs: number): ticket is Ticket {
    return ticket !== undefined && ticket.expiresAtMs - this.#clock.monotonicMs() >= leftMs;
  }
}

/** Reads a `WireTicket`; its lifetime starts when it was requested. */
function readTicket(value: unknown, askedAtMs: number): Ticket | undefined {
  if (!isObject(value)) return undefined;
  const { ticket, expires_in: expiresIn } = value;
  const expiresInS = lifeSecondsOf(expiresIn);
  if (typeof ticket !== 'string' || ticket === '' || expiresInS === undefined) return undefined;
  return {
    value: new Secret(ticket),
    fingerprint: fingerprintOf(ticket),
    issuedAtMs: askedAtMs,
    expiresAtMs: askedAtMs + expiresInS * 1_000,
  };
}
