import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/clock.ts';
import { fingerprintOf, Secret } from '../../base/secret.ts';
import type { Ticket, TicketAnswer, Tickets, TicketType } from '../../keeper/tickets.ts';
import type { Unavailable } from '../../token/source.ts';
import type { HubClient } from './client.ts';
import { restMsOf, unavailable, whyNot } from './outcome.ts';
import { isObject, parseJson } from './wire.ts';

/** As long as callers of ours can wait. */
const ASK_MS_MAX = 2_500;

/** How long the hub is left alone after it had no ticket for us. */
const REST_MS = 1_000;

/** The hub renews its copy when less than this is left, or this share: from then on we ask it again. */
const MARGIN_MS = 300_000;
const LIFE_SHARE = 0.15;

const COPIES_MAX = 1_000;

interface Copy {
  ticket: Ticket | undefined;
  /** The hub is asked no more before this. */
  quietUntilMs: number;
  asking: Promise<void> | undefined;
  why: Unavailable | undefined;
}

/** Copies of a hub's tickets, each served to its end, and asked for again shortly before. */
export class HubTickets implements Tickets {
  readonly #client: HubClient;
  readonly #clock: Clock;
  readonly #copies = new LRUCache<string, Copy>({ max: COPIES_MAX });

  constructor(client: HubClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async ticket(appid: string, type: TicketType): Promise<TicketAnswer> {
    const key = `${type} ${appid}`;
    const copy = this.#copies.get(key) ?? {
      ticket: undefined,
      quietUntilMs: 0,
      asking: undefined,
      why: undefined,
    };
    this.#copies.set(key, copy);
    if (copy.asking === undefined && this.#clock.lifeMs() >= copy.quietUntilMs) {
      copy.asking = this.#ask(copy, appid, type).finally(() => {
        copy.asking = undefined;
      });
    }
    if (!this.#isLive(copy.ticket)) await copy.asking;
    if (this.#isLive(copy.ticket)) return { kind: 'ticket', ticket: copy.ticket };
    return copy.why ?? unavailable('the hub has given no ticket');
  }

  async #ask(copy: Copy, appid: string, type: TicketType): Promise<void> {
    const askedAtMs = this.#clock.lifeMs();
    const path = `/v1/apps/${encodeURIComponent(appid)}/ticket?type=${type}`;
    const outcome = await this.#client.ask({ method: 'GET', path, timeoutMs: ASK_MS_MAX, repeatable: true });
    const isAnswer = outcome.kind === 'answer' && outcome.status === 200;
    const ticket = isAnswer ? readTicket(parseJson(outcome.body.toString('utf8')), askedAtMs) : undefined;
    const nowMs = this.#clock.lifeMs();
    if (ticket === undefined) {
      const restMs = outcome.kind === 'answer' ? restMsOf(outcome.headers) : 0;
      copy.quietUntilMs = nowMs + Math.max(restMs, REST_MS);
      copy.why = whyNot(outcome);
      return;
    }
    const leftMs = ticket.expiresAtMs - nowMs;
    copy.ticket = ticket;
    copy.quietUntilMs = nowMs + Math.max(REST_MS, leftMs - Math.min(MARGIN_MS, leftMs * LIFE_SHARE));
  }

  #isLive(ticket: Ticket | undefined): ticket is Ticket {
    return ticket !== undefined && this.#clock.lifeMs() < ticket.expiresAtMs;
  }
}

/** Reads a `WireTicket`, whose life is counted from when it was asked for. */
function readTicket(value: unknown, askedAtMs: number): Ticket | undefined {
  if (!isObject(value)) return undefined;
  const { ticket, expires_in: expiresInS } = value;
  if (typeof ticket !== 'string' || ticket === '' || typeof expiresInS !== 'number') return undefined;
  if (!(expiresInS > 0)) return undefined;
  return {
    value: new Secret(ticket),
    fingerprint: fingerprintOf(ticket),
    expiresAtMs: askedAtMs + expiresInS * 1_000,
  };
}
