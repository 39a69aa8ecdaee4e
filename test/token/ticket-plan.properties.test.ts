import test from 'ava';
import * as fc from 'fast-check';
import { seededRandom } from '../../src/base/random.ts';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { liveTicket, needsTicket, NO_TICKET, withFailure, withTicket } from '../../src/token/ticket-plan.ts';
import type { Ticket } from '../../src/token/ticket.ts';

/** What the platform answers at a moment: a ticket by its name with the seconds that it claims, or an errcode. */
type Platform = (nowMs: number) => { readonly name: string; readonly expiresInS: number } | number;

interface Served {
  readonly atMs: number;
  readonly leftMs: number | undefined;
}

/** Authenticator come at these gaps, the platform answers at once. */
function live(
  platform: Platform,
  gapsMs: readonly number[],
  seed: number,
): { served: Served[]; asked: number[] } {
  const random = seededRandom(seed);
  const served: Served[] = [];
  const asked: number[] = [];
  let plan = NO_TICKET;
  let nowMs = 1_000_000;
  const ask = (): void => {
    asked.push(nowMs);
    const answer = platform(nowMs);
    plan =
      typeof answer === 'number'
        ? withFailure(plan, answer > 0, nowMs, random)
        : withTicket(plan, ticketOf(answer.name, nowMs, answer.expiresInS), nowMs, random);
  };
  for (const gapMs of gapsMs) {
    const arrivesAtMs = nowMs + gapMs;
    // As the shell does: a timer, while there is a ticket to renew.
    while (liveTicket(plan, plan.renewAtMs) !== undefined && plan.renewAtMs <= arrivesAtMs) {
      nowMs = Math.max(nowMs, plan.renewAtMs);
      ask();
    }
    nowMs = arrivesAtMs;
    if (needsTicket(plan, nowMs) && nowMs >= plan.askFromMs) ask();
    const ticket = liveTicket(plan, nowMs);
    served.push({ atMs: nowMs, leftMs: ticket === undefined ? undefined : ticket.expiresAtMs - nowMs });
  }
  return { served, asked };
}

function ticketOf(name: string, nowMs: number, expiresInS: number): Ticket {
  const expiresAtMs = nowMs + expiresInS * 1_000;
  return { value: new Secret(name), fingerprint: fingerprintOf(name), issuedAtMs: nowMs, expiresAtMs };
}

/** A new ticket for each ask. */
function fresh(lifeS: number): Platform {
  let made = 0;
  return () => ({ name: `ticket-${(made += 1)}`, expiresInS: lifeS });
}

/** One ticket until `rotateS` before its end. */
function repeating(lifeS: number, rotateS: number): Platform {
  let made = 0;
  let endMs = -Infinity;
  return (nowMs) => {
    if (nowMs >= endMs - rotateS * 1_000) {
      made += 1;
      endMs = nowMs + lifeS * 1_000;
    }
    return { name: `ticket-${made}`, expiresInS: Math.floor((endMs - nowMs) / 1_000) };
  };
}

const gaps = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 1_000 }),
    fc.integer({ min: 0, max: 30_000 }),
    fc.integer({ min: 0, max: 4_000_000 }),
  ),
  { minLength: 20, maxLength: 200, size: 'max' },
);
const seed = fc.integer();

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

function gapsOf(asked: readonly number[]): number[] {
  return asked.slice(1).map((atMs, i) => atMs - (asked[i] ?? 0));
}

test('if the platform has fresh tickets, nobody gets one with less than 1,800 s left', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1_813, max: 20_000 }), gaps, seed, (lifeS, gapsMs, chance) => {
      const { served, asked } = live(fresh(lifeS), gapsMs, chance);
      // And ten seconds more, for the way from a hub to the callers of its sidecars.
      for (const { leftMs = 0 } of served) must(leftMs >= 1_810_000, `${leftMs} ms left`);
      must(
        gapsOf(asked).every((gapMs) => gapMs >= 2_000),
        'asked twice within 2 s',
      );
    }),
  );
  t.pass();
});

test('a ticket that arrives with little life left is replaced within 2 s if the platform has another', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_799 }), gaps, seed, (leftS, gapsMs, chance) => {
      const later = fresh(7_200);
      let isFirst = true;
      const platform: Platform = (nowMs) => {
        if (!isFirst) return later(nowMs);
        isFirst = false;
        return { name: 'old', expiresInS: leftS };
      };
      const { served } = live(platform, gapsMs, chance);
      const beganMs = served[0]?.atMs ?? 0;
      for (const { atMs, leftMs = 0 } of served) {
        must(leftMs >= 1_800_000 || atMs - beganMs < 2_000, `${leftMs} ms left after ${atMs - beganMs} ms`);
      }
    }),
  );
  t.pass();
});

test('a ticket that the platform repeats costs one request a minute, is replaced within a minute, and leaves no gap', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 3_600, max: 14_400 }),
      fc.integer({ min: 0, max: 3_000 }),
      fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 500, maxLength: 2_000, size: 'max' }),
      seed,
      (lifeS, rotateS, gapsMs, chance) => {
        const { served, asked } = live(repeating(lifeS, rotateS), gapsMs, chance);
        const lowMs = Math.min(1_800_000, rotateS * 1_000) - 62_000;
        for (const { leftMs } of served) {
          // At the very end the platform claims 0 s, which is no life; 2 s later it has another.
          must(leftMs === undefined || leftMs >= Math.max(lowMs, 0), `${leftMs} ms left`);
        }
        const without = served.filter(({ leftMs }) => leftMs === undefined);
        const spanMs = (served.at(-1)?.atMs ?? 0) - (served[0]?.atMs ?? 0);
        const lives = spanMs / 1_000 / lifeS + 2;
        must(without.length <= lives * 20, `${without.length} callers without a ticket`);
        must(asked.length <= lives * (2_100 / 60 + 6), `${asked.length} asks in ${lives} lives`);
      },
    ),
    { numRuns: 50 },
  );
  t.pass();
});

test('short-lived tickets are renewed in the last 30 % of their lifetimes, and not with every call', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 1_799 }), seed, (lifeS, chance) => {
      const gapsMs = Array.from({ length: 3_000 }, () => 1_000);
      const { served, asked } = live(fresh(lifeS), gapsMs, chance);
      must(
        served.every(({ leftMs = 0 }) => leftMs >= Math.min(lifeS * 300 - 2_000, 1_000)),
        'without a ticket',
      );
      const asksMax = 4 + 3_000 / Math.max(2, lifeS * 0.7 - 1);
      must(asked.length <= asksMax, `${asked.length} asks of tickets of ${lifeS} s`);
    }),
    { numRuns: 50 },
  );
  t.pass();
});

test('after three ticket lifetimes under 5 s in a row the platform is asked at most every 30 s', (t) => {
  for (const platform of [
    fresh(1),
    fresh(4),
    fresh(0.001),
    (): { name: string; expiresInS: number } => ({ name: 'only', expiresInS: 1 }),
  ]) {
    const { asked } = live(
      platform,
      Array.from({ length: 600 }, () => 1_000),
      1,
    );
    must(asked.length <= 24, `${asked.length} asks in 10 minutes`);
    const late = gapsOf(asked).slice(3);
    must(
      late.every((gapMs) => gapMs >= 30_000),
      `asked again after ${Math.min(...late)} ms`,
    );
  }
  t.pass();
});

test('while the platform fails it is asked at most every 2 s, and only every minute if retries do not help', (t) => {
  for (const [errcode, spacingMs] of [
    [-1, 2_000],
    [48001, 60_000],
  ] as const) {
    const { asked } = live(
      () => errcode,
      Array.from({ length: 6_000 }, () => 100),
      1,
    );
    const gapsMs = gapsOf(asked);
    t.true(gapsMs.length > 5);
    t.true(
      gapsMs.every((gapMs) => gapMs >= spacingMs && gapMs <= spacingMs + 100),
      `${errcode}`,
    );
  }
});
