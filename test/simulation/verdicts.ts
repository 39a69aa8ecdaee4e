/** Everything that the simulation holds the product to: its name, why it matters, and when it must hold. */
export const INVARIANTS = {
  'healed within 5 s': `A token that dies costs business calls until it is replaced. From the first refusal on, a
    sidecar uses another token after 5 s and the time that the platform takes to answer three calls, if it had one
    and the same hub all the time at which nothing stood in the way (see \`Excuses\`), and no quota or spacing.`,
  'first refusal is replayed': `The promise of the product: no business call fails because of a token. The first call
    that is refused with a token gets an answer to a replay, if the same holds from 3 s before the call on, no
    token was looked into in these 3 s, the path was not refused before with this token, and the platform is quick.`,
  'refusals with permission only': `Later than 5 s after the first refusal of a token no program gets a refusal
    because of it, under the same conditions. Before that, and where an endpoint refuses every token, it may.`,
  'a token for every call': `A call is answered without a token (token_unavailable) only while something is in the
    way of getting one, or was so within the time that it takes to settle.`,
  'demand wakes a back-off': `A platform that is back is not asked a minute later while callers fail. If a call waited
    in vain for a token, and what the platform said last to this keeper was a failure that may pass, some keeper of the
    account asked it again between 1.5 s before the call and 3.5 s after, unless the ways to platform or store were
    in diagnosis, another hub had the turn (classic), or the keeper was paused or started in that time.`,
  'a live token is served': `While a refresh runs, and while it fails, the old token is served to its end: whatever
    happens, no keeper and no sidecar says that it has no token while the one that it had last is accepted and not
    about to end. Excused is a process whose clocks were set, or that slept, during the token's life.`,
  'nothing is spent in vain': `A forced refresh kills a token, and so does a classic fetch. No keeper makes one while
    the token that it serves is accepted by the platform, if more than 32 % of its life is left (classic), and nobody
    pressed the button, changed the settings, started it or set its clock.`,
  'renewed ahead of time': `Nobody waits for a token because the old one has aged: where nothing was in the way for ten
    minutes, a classic renewal begins before the last 2 % of a life.`,
  'no classic fetch without the store': `Hubs that do not see each other end each other's tokens. A classic fetch of a
    hub with a shared store begins only while that store answers it, or did two seconds before.`,
  'one classic fetch at a time': `Two fetches end each other's tokens. No hub asks for a classic token while another
    one does whose turn is valid by the store's clock.`,
  'a generation names one token': `Hubs order tokens by generation. Two published classic tokens never have the same
    one, unless the store has lost writes.`,
  'generations grow': `No hub goes back to a lower generation for as long as its process lives.`,
  'no older token': `No keeper and no sidecar replaces a token that the platform accepts with one that was given
    earlier; stable hubs may while the store is in doubt, since they go on without it.`,
  'only real tokens': `What is served was given by the platform, for this account.`,
  'nothing past its end': `No call leaves with a token past its end, but for 2.5 s and what a clock drifts in a life.`,
  'forced refreshes are rationed': `The platform allows 20 a day, 30 s apart. Our hubs ask for no more, while the
    store keeps its writes, or the one keeper its memory, and no clock is set.`,
  'refused fetches are rationed': `Two holders of a classic account end each other's tokens. One keeper fetches at most
    20 times in 20 minutes, four more for lives that end, and once for each start, changed setting and person.`,
  'tickets are asked for at a pace': `Tickets have a quota too: one keeper asks for one no sooner than 1.5 s after it was
    given one; if that was the one that it had, no sooner than after 58 s, unless it ends before. Excused are answers
    that are late or lost, and processes that stood still, slept or had their clocks set.`,
  'looks are bounded': `Endpoints that refuse every token must not cost quota: per keeper and hour at most 20, 60 and
    200 probes for 1, 4 and 50 of them for each token that was in use, a few for each real death and
    each token that was replaced, three for each stray refusal, and what failed looks repeat. A keeper that
    may not ask for tokens looks once a minute; for a hub that may not, the others look once in 30 s.`,
  'fetches are bounded': `Tokens are fetched for ends of lives, deaths, starts, reloads and people; nothing else.`,
  'failures back off': `A platform that is busy or broken is not asked ever more: at most 18 times in 10 s by one
    keeper, which is what the back-off, callers without a token and a repeated look come to.`,
  're-probes are slow': `What only people can cure is asked again no sooner than after 50 s, but for a reload, a
    person, a restart, another token or a clock that is set forward.`,
  'bounded waits': `Common SDKs give up at 3 s: a call waits for tokens at most 2.5 s in all, and a hub answers in
    that time too, unless its machine stands still.`,
  'a hub that cannot refresh says so': `So that the sidecar asks the next one within the same wait: a hub that is not
    on the IP list, or in mode classic without its store, answers a report of a dead token with 503 within 1.5 s.`,
  'lives are long enough': `SDKs without a sidecar keep up to 1,500 s of a life to themselves. GET /cgi-bin/token of a
    hub gives no classic token with under 1,700 s left, if lives are 6,000 s or more and nothing is in the way.`,
  'tickets are long enough': `A page lives on with its signature: getticket of a sidecar gives no ticket with under
    1,800 s left, if nothing is in the way and the platform gives another one when asked.`,
  'no ticket past its end': `A ticket past its end signs nothing.`,
  'all is well in the end': `25 minutes after the last fault every sidecar's call to an endpoint that takes tokens
    succeeds, and no sidecar serves a token that it knows to be dead.`,
  'no crash': `No promise is rejected, and nothing throws.`,
} as const;

export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly invariant: Invariant;
  readonly atMs: number;
  readonly what: string;
}

/** Promises of the contract that the code does not keep yet. */
export const SET_ASIDE: ReadonlySet<Invariant> = new Set();
