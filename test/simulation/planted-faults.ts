import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A place in the built code, and what is put there. */
interface Change {
  /** Below `src`, as built. */
  readonly file: string;
  /** Stands there exactly once: whoever changes the code moves the fault with it. */
  readonly find: string;
  readonly put: string;
}

export interface PlantedFault {
  readonly name: string;
  /** What somebody might have thought. */
  readonly story: string;
  readonly changes: readonly Change[];
  /** Where to begin to look, since some seeds need longer. */
  readonly from?: number;
  /** The fault that a script once failed by; the script must fail by it again. */
  readonly script?: number;
}

const TICKET_NEVER_RENEWED: readonly Change[] = [
  {
    file: 'token/ticket-plan.js',
    find: 'return ticket === undefined || ticket.expiresAtMs - nowMs < leftMsMin(plan, ticket);',
    put: 'return ticket === undefined;',
  },
  {
    file: 'keeper/tickets.js',
    find: 'if (clock.monotonicMs() - this.#wantedMs < WANTED_MS)',
    put: 'if (false)',
  },
];

/** Faults that the simulation must find: each is one that a change to the code could bring. */
export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: 'the old token is dropped before the new one is here',
    story: 'Expire first, fetch later: nobody is served while the platform is asked.',
    changes: [
      {
        file: 'token/machine.js',
        find: '    const begun = {\n        ...state,\n',
        put: '    const begun = {\n        ...state,\n        token: undefined,\n',
      },
    ],
  },
  {
    name: 'a fetch without the lease',
    story: 'Whoever wants a token fetches it, whoever has the lease.',
    changes: [
      {
        file: 'lease/decide.js',
        find: 'store.lease?.isOurs !== true',
        put: 'store.lease?.isOurs === undefined',
      },
    ],
  },
  {
    name: 'a fetch without fencing',
    story: 'A hub that stood still with the lease puts its older token in the place of a newer one.',
    changes: [
      { file: 'lease/shared-lease.js', find: 'generationOf(view) > lease.generation;', put: 'false;' },
      { file: 'lease/shared-lease.js', find: 'fetched !== undefined && view', put: 'false && view' },
      {
        file: 'lease/store-watch.js',
        find: 'const record = {\n            generation,\n',
        put: 'const record = {\n            generation: this.nextGeneration(),\n',
      },
    ],
  },
  {
    name: 'classic goes on without the store',
    story: 'What is right for stable is done in classic too: two hubs end each other’s tokens.',
    script: 2,
    changes: [
      {
        file: 'lease/decide.js',
        find: "    if (mode === 'classic')\n        return { kind: 'deny', why };\n",
        put: '',
      },
    ],
  },
  {
    name: 'a refresh without a fingerprint',
    story: 'Whoever reports a refusal gets a new token: one that comes late ends a good one.',
    changes: [
      {
        file: 'keeper/keeper.js',
        find: '        if (this.peek()?.fingerprint !== fingerprint) {\n            const answer',
        put: '        if (false) {\n            const answer',
      },
      {
        file: 'token/machine.js',
        find: '    if (state.token?.fingerprint !== fingerprint)\n        return unchanged(state);\n    const doubt',
        put: '    const doubt',
      },
      {
        file: 'token/machine.js',
        find: 'lookIfDue(doubting, moment) : unchanged(doubting)',
        put: 'renew(doubting, moment) : unchanged(doubting)',
      },
    ],
  },
  {
    name: 'a look that nobody believes',
    story: 'The platform accepts the token, and it is replaced all the same, since it was reported.',
    changes: [
      {
        file: 'token/machine.js',
        find: "    if (outcome === 'refused')\n",
        put: "    if (outcome === 'refused' || outcome === 'accepted')\n",
      },
    ],
  },
  {
    name: 'no probe before a forced refresh',
    story: 'The stable endpoint gave the same token again, so it is forced at once.',
    changes: [
      {
        file: 'token/machine.js',
        find: '    if (!usedQuota)\n        return beginProbe(state, moment);',
        put: '    if (!usedQuota)\n        return renew(state, moment);',
      },
    ],
  },
  {
    name: 'no budget of forced refreshes',
    story: 'A refused token is forced as often as it is refused.',
    changes: [
      {
        file: 'token/machine.js',
        find: 'const permission = checkQuota(state.usedAtMs[mode], quota, moment.nowMs);',
        put: "const permission = { kind: 'allowed' };",
      },
      {
        file: 'lease/decide.js',
        find: "if (force && checkQuota(uses, quota, nowUnixMs).kind !== 'allowed')",
        put: 'if (false)',
      },
    ],
  },
  {
    name: 'a vouch for all paths',
    story: 'One endpoint that refuses every token switches off the healing of all others.',
    changes: [
      {
        file: 'token/doubt.js',
        find: 'function keptKey({ holds, pending, looking }, key) {\n',
        put: 'function keptKey({ holds, pending, looking }, key) {\n    if (key !== undefined) return SHARED_KEY;\n',
      },
    ],
  },
  {
    name: '200 with a dead token',
    story: 'A hub that cannot look into a token answers with it, and no sidecar asks the next hub.',
    changes: [
      {
        file: 'keeper/answer.js',
        find: 'return isRepeated ? undefined : unavailable(state);',
        put: "return isRepeated ? undefined : { kind: 'accepted', token, holdMs: 2_000 };",
      },
    ],
  },
  {
    name: 'no wake on demand',
    story: 'A platform that is back is asked a minute later, while callers have no token.',
    changes: [
      {
        file: 'token/machine.js',
        find: "const mayWake = phase.kind === 'resting' && phase.diagnosis.recheckMs === undefined && !phase.diagnosis.throttled;",
        put: 'const mayWake = false;',
      },
    ],
  },
  {
    name: 'no quota of classic fetches',
    story: 'Two systems that fetch the same account end each other’s tokens as fast as they can.',
    changes: [
      {
        file: 'token/machine.js',
        find: 'const permission = checkQuota(state.usedAtMs[mode], quota, moment.nowMs);',
        put: "const permission = mode === 'classic' ? { kind: 'allowed' } : checkQuota(state.usedAtMs[mode], quota, moment.nowMs);",
      },
    ],
  },
  {
    name: 'a ticket that is repeated is asked for again and again',
    story: 'Each page that needs a fresh ticket asks the platform, which has none.',
    changes: [
      {
        file: 'token/ticket-plan.js',
        find: 'const askFromMs = nowMs + Math.max(isSame ? sameMs : ASK_SPACING_MS, spacingMs(lives));',
        put: 'const askFromMs = nowMs + ASK_SPACING_MS;',
      },
    ],
  },
  {
    name: 'demand wakes what only people can cure',
    story: 'Every call without a token asks a platform again that has refused the secret.',
    script: 3,
    changes: [
      {
        file: 'token/machine.js',
        find: "const mayWake = phase.kind === 'resting' && phase.diagnosis.recheckMs === undefined && !phase.diagnosis.throttled;",
        put: "const mayWake = phase.kind === 'resting';",
      },
    ],
  },
  {
    name: 'a hold that does not grow',
    story: 'An endpoint that refuses every token costs a look every two seconds.',
    script: 4,
    changes: [{ file: 'token/doubt.js', find: 'HOLD_MS * 2 ** Math.min(looks - 1, 30)', put: 'HOLD_MS' }],
  },
  {
    name: 'a hold that never ends',
    story: 'A path that works again stays held, and says nothing when the token dies.',
    changes: [
      {
        file: 'proxy/reports.js',
        find: 'record.heldUntilMs = Math.min(record.heldUntilMs, this.#parts.clock.monotonicMs() + HOLD_AFTER_SUCCESS_MS);',
        put: '',
      },
      {
        file: 'proxy/reports.js',
        find: 'record.succeeded ? HOLD_AFTER_SUCCESS_MS : Infinity',
        put: 'Infinity',
      },
      {
        file: 'token/doubt.js',
        find: 'const untilMs = Math.min(hold.untilMs, hold.sinceMs + HOLD_MS);',
        put: 'const { untilMs } = hold;',
      },
    ],
  },
  {
    name: 'failures are repeated at once',
    story: 'A busy platform is asked again without a pause.',
    changes: [
      { file: 'base/backoff.js', find: 'Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30))', put: '100' },
    ],
  },
  {
    name: 'a token is served past its end',
    story: 'A copy is served until another one comes.',
    script: 5,
    changes: [
      {
        file: 'hub-client/account.js',
        find: 'return isLive(token, this.#parts.clock.monotonicMs()) ? token : undefined;',
        put: 'return token;',
      },
    ],
  },
  {
    name: 'a life is counted anew at each stage',
    story: 'A sidecar counts two hours from when it got its copy.',
    script: 5,
    changes: [{ file: 'hub-api/read.js', find: 'agedMs + leftMs', put: 'agedMs + lifeMs' }],
  },
  {
    name: 'a ticket is served past its end',
    story: 'A kept ticket is kept for ever.',
    changes: [
      {
        file: 'token/ticket-plan.js',
        find: 'ticket.expiresAtMs - nowMs >= LAST_SECOND_MS ? ticket : undefined',
        put: 'true ? ticket : undefined',
      },
      ...TICKET_NEVER_RENEWED,
    ],
  },
  {
    name: 'a ticket is served to its end',
    story: 'A page that is signed with it lives on, and finds it ended.',
    changes: [...TICKET_NEVER_RENEWED],
  },
  {
    name: 'the older token wins',
    story: 'Whatever a hub tells last is in use.',
    script: 6,
    changes: [
      {
        file: 'hub-client/account.js',
        find: 'next.issuedAtMs >= current.issuedAtMs - AGE_TOLERANCE_MS',
        put: 'true',
      },
    ],
  },
  {
    name: 'a token that was replaced comes back',
    story: 'An endpoint refuses the new token too, so the old one is as good as any.',
    script: 0,
    changes: [{ file: 'hub-client/account.js', find: 'if (isOld || ', put: 'if (' }],
  },
  {
    name: 'a lease that ran out unnoticed',
    story: 'A hub that stood still trusts its lease, and serves what it fetched under it.',
    script: 8,
    changes: [{ file: 'lease/shared-lease.js', find: 'if (isOver && !lease.isAlone)', put: 'if (false)' }],
  },
  {
    name: 'a report to a hub that is behind is lost',
    story: 'What is not current has been replaced.',
    script: 7,
    changes: [
      { file: 'keeper/keeper.js', find: 'if (!this.#parts.isKnown(fingerprint))', put: 'if (false)' },
      {
        file: 'hub-client/account.js',
        find: "case 'not_current':\n                return { kind: 'waiting', token: reported, retryMs: RETRY_MS };",
        put: `case 'not_current':
                this.#suspicion = undefined;
                return { kind: 'accepted', token: reported, holdMs: OLD_HUB_HOLD_MS };`,
      },
    ],
  },
  {
    name: 'a busy platform uses up the quota',
    story: 'What the platform declines counts as if it had ended a token.',
    script: 1,
    changes: [
      {
        file: 'keeper/keeper.js',
        find: "this.#app.mode === 'classic' && failure.cause === 'platform';",
        put: 'false;',
      },
    ],
  },
  {
    name: 'refused call not replayed',
    story: 'The token is replaced, and the call that found out fails.',
    changes: [
      {
        file: 'proxy/serve.js',
        find: "if (healing.kind === 'no_replay') {",
        put: 'if (healing.kind !== undefined) {',
      },
    ],
  },
  {
    name: 'callers wait without end',
    story: 'A caller waits for as long as the platform takes.',
    changes: [
      {
        file: 'token/policy.js',
        find: 'export const CALLER_WAIT_MS_MAX = 2_500;',
        put: 'export const CALLER_WAIT_MS_MAX = 8_000;',
      },
    ],
  },
  {
    name: 'the first hub has the last word',
    story: 'A hub that says that it cannot is believed, and no other is asked.',
    changes: [
      {
        file: 'hub-client/client.js',
        find: 'return outcome.status < 500 && !isRefusal(outcome);',
        put: 'return !isRefusal(outcome);',
      },
    ],
  },
  {
    name: 'renewed at the last moment',
    story: 'A margin of zero: tokens are renewed when they have ended.',
    changes: [
      {
        file: 'token/due.js',
        find: 'return Math.min(marginMs - jitterMs, (expiresAtMs - issuedAtMs) * lifeShare);',
        put: 'return 0;',
      },
    ],
  },
];

/** A copy of the built tree with the fault in it; gives back the program to run there. */
export function plant(fault: PlantedFault, build: string, at: string): string {
  rmSync(at, { recursive: true, force: true });
  mkdirSync(join(at, 'test'), { recursive: true });
  cpSync(join(build, 'src'), join(at, 'src'), { recursive: true });
  for (const folder of ['simulation', 'support']) {
    cpSync(join(build, 'test', folder), join(at, 'test', folder), { recursive: true });
  }
  for (const { file, find, put } of fault.changes) {
    const path = join(at, 'src', file);
    const before = readFileSync(path, 'utf8');
    const times = before.split(find).length - 1;
    if (times !== 1)
      throw new Error(`Cannot plant "${fault.name}": what it replaces stands ${times} times in ${file}`);
    writeFileSync(
      path,
      before.replace(find, () => put),
    );
  }
  return join(at, 'test', 'simulation', 'simulate.js');
}
