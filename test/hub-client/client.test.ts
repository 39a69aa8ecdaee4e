import test from 'ava';
import type { HubOutcome, HubQuestion } from '../../src/hub-client/client.ts';
import { readTokenOutcome } from '../../src/hub-client/outcome.ts';
import { Secret } from '../../src/base/secret.ts';
import { ripple } from '../support/fake-issuer.ts';
import { type FakeHub, makeFakeHub } from '../support/fake-hub-http.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Asked extends FakeHub {
  readonly clock: ManualClock;
  /** Asks, and tells where the outcome will be. */
  ask(question?: Partial<HubQuestion>): Promise<{ outcome: HubOutcome | undefined }>;
  hosts(): string[];
}

function startClient(urls?: readonly string[]): Asked {
  const clock = new ManualClock();
  const hub = makeFakeHub(clock, urls);
  return {
    ...hub,
    clock,
    async ask(question = {}) {
      const box: { outcome: HubOutcome | undefined } = { outcome: undefined };
      const whole = {
        method: 'GET',
        path: '/v1/apps',
        timeoutMs: 5_000,
        repeatable: true,
        ...question,
      } as const;
      void hub.client.ask(whole).then((outcome) => (box.outcome = outcome));
      await ripple();
      return box;
    },
    hosts: () => hub.http.sendings.map(({ origin }) => origin.host),
  };
}

test('a request goes to the first hub, with the current credential', async (t) => {
  const hub = startClient();
  const first = await hub.ask();
  await hub.http.at(0).answer(200, { apps: [] });
  t.like(first.outcome, { kind: 'answer', status: 200, host: 'a' });
  hub.bearer({ kind: 'bearer', value: new Secret('key-2') });
  await hub.ask();
  const credentials = hub.http.sendings.map(({ request }) => request.headers[1]);
  t.deepEqual(credentials, ['Bearer key-1', 'Bearer key-2']);
  hub.bearer({ kind: 'unreadable', why: 'there is no file x' });
  t.deepEqual((await hub.ask()).outcome, { kind: 'no_credential', why: 'there is no file x' });
});

test('a hub that cannot be connected is skipped, and tried again later', async (t) => {
  const hub = startClient();
  const first = await hub.ask({ repeatable: false });
  await hub.http.at(0).fail('unreachable');
  await hub.http.at(1).answer(200, {});
  t.like(first.outcome, { kind: 'answer', host: 'b' });
  await hub.ask();
  await hub.http.at(2).answer(200, {});
  hub.clock.advance(6_000);
  await hub.ask();
  t.deepEqual(hub.hosts(), ['a', 'b', 'b', 'a']);
});

test('a hub that responds with 5xx is skipped for requests that may be repeated, and for no others', async (t) => {
  const hub = startClient();
  const twice = await hub.ask();
  await hub.http.at(0).problem(503, 'token_unavailable', { errcode: 40164 });
  await hub.http.at(1).fail('unreachable');
  t.like(twice.outcome, { status: 503, problem: { reason: 'token_unavailable', errcode: 40164 } });
  const once = await hub.ask({ repeatable: false });
  await hub.http.at(2).problem(502, 'upstream_broken');
  t.like(once.outcome, { status: 502, host: 'a' });
  t.is(hub.http.sendings.length, 3);
});

test('a gateway without its hub is skipped for a while', async (t) => {
  const hub = startClient();
  await hub.ask();
  await hub.http.at(0).answer(502, { html: 'no' });
  await hub.http.at(1).answer(200, {});
  await hub.ask();
  t.deepEqual(hub.hosts(), ['a', 'b', 'b']);
});

test('a slow hub is not waited for: the next one is asked too, and the first response counts', async (t) => {
  const hub = startClient();
  const asked = await hub.ask();
  hub.clock.advance(999);
  t.deepEqual(hub.hosts(), ['a']);
  hub.clock.advance(1);
  t.deepEqual(hub.hosts(), ['a', 'b']);
  await hub.http.at(1).answer(200, { apps: [] });
  t.like(asked.outcome, { kind: 'answer', host: 'b' });
  t.true(hub.http.at(0).aborted);
  await hub.ask();
  t.is(hub.hosts().at(-1), 'b');
});

test('a call that must not be repeated waits for its hub, and is not sent again once it was sent', async (t) => {
  const hub = startClient();
  const asked = await hub.ask({ method: 'POST', content: {}, repeatable: false });
  hub.clock.advance(3_000);
  await hub.http.at(0).fail('broken', 'ECONNRESET');
  t.like(asked.outcome, { kind: 'failed', failure: { kind: 'broken' } });
  t.is(hub.http.sendings.length, 1);
});

test('a dead connection is opened again, once', async (t) => {
  const hub = startClient(['http://a']);
  const asked = await hub.ask({ method: 'POST', content: { fingerprint: 'f' } });
  await hub.http.at(0).fail('broken', 'ECONNRESET');
  t.is(hub.http.sendings.length, 2);
  await hub.http.at(1).fail('broken', 'ECONNRESET');
  t.like(asked.outcome, { kind: 'failed', failure: { kind: 'broken', reason: 'ECONNRESET' } });
  t.is(hub.http.sendings.length, 2);
});

test('a response that is late or never ends does not count', async (t) => {
  const hub = startClient();
  const late = await hub.ask();
  hub.clock.advance(5_000);
  await ripple();
  t.like(late.outcome, { kind: 'failed', failure: { kind: 'timeout' } });
  t.true(hub.http.sendings.every(({ aborted }) => aborted));

  const other = startClient(['http://a']);
  const endless = await other.ask({ repeatable: false });
  other.http.at(0).head(200);
  for (let i = 0; i < 3; i++) other.http.at(0).data('x'.repeat(1024 * 1024));
  await ripple();
  t.like(endless.outcome, { kind: 'too_large', host: 'a' });
  t.true(other.http.at(0).aborted);
});

test('a hub that refuses what another one serves is skipped, and not asked first for a while', async (t) => {
  for (const [status, reason] of [
    [401, 'unauthorized'],
    [403, 'not_permitted'],
    [404, 'unknown_app'],
    [429, 'too_many_failures'],
  ] as const) {
    const hub = startClient();
    const asked = await hub.ask();
    await hub.http.at(0).problem(status, reason);
    await hub.http.at(1).answer(200, { apps: [] });
    t.like(asked.outcome, { kind: 'answer', status: 200, host: 'b' });
    await hub.ask();
    t.deepEqual(hub.hosts(), ['a', 'b', 'b']);
    hub.clock.advance(6_000);
    await hub.ask();
    t.is(hub.hosts().at(-1), 'a');
  }
});

test('an account is unknown only if every hub that responded says so', async (t) => {
  const outcomeOf = async (...answers: ((hub: Asked, at: number) => Promise<void>)[]): Promise<unknown> => {
    const hub = startClient();
    const asked = await hub.ask();
    for (const [at, answer] of answers.entries()) await answer(hub, at);
    const { outcome } = asked;
    return outcome?.kind === 'answer' ? [outcome.status, outcome.host] : outcome?.kind;
  };
  const says =
    (status: number, reason: string) =>
    (hub: Asked, at: number): Promise<void> =>
      hub.http.at(at).problem(status, reason);
  const unknown = says(404, 'unknown_app');
  const refused = says(401, 'unauthorized');
  const busy = says(503, 'token_unavailable');
  const gateway = (hub: Asked, at: number): Promise<void> => hub.http.at(at).answer(404, { html: 'no' });
  const away = (hub: Asked, at: number): Promise<void> => hub.http.at(at).fail('unreachable');
  const frozen = (hub: Asked): Promise<void> => {
    hub.clock.advance(5_000);
    return ripple();
  };
  t.deepEqual(await outcomeOf(unknown, unknown), [404, 'b']);
  t.deepEqual(await outcomeOf(unknown, away), [404, 'a']);
  t.deepEqual(await outcomeOf(unknown, gateway), [404, 'a']);
  t.deepEqual(await outcomeOf(unknown, frozen), [404, 'a']);
  t.deepEqual(await outcomeOf(unknown, refused), [401, 'b']);
  t.deepEqual(await outcomeOf(refused, unknown), [401, 'a']);
  t.deepEqual(await outcomeOf(unknown, busy), [503, 'b']);
  t.deepEqual(await outcomeOf(busy, unknown), [503, 'a']);
});

test('if every hub refuses, the first one stays the first', async (t) => {
  const hub = startClient();
  await hub.ask();
  await hub.http.at(0).problem(401, 'unauthorized');
  await hub.http.at(1).problem(401, 'unauthorized');
  await hub.ask();
  t.deepEqual(hub.hosts(), ['a', 'b', 'a']);
});

test('a response that is too large is not that of a hub: the next one is asked, and this one not again', async (t) => {
  const hub = startClient();
  const asked = await hub.ask();
  for (let i = 0; i < 2; i++) {
    hub.http.at(i).head(200);
    for (let sent = 0; sent < 3; sent++) hub.http.at(i).data('x'.repeat(1024 * 1024));
  }
  await ripple();
  t.like(asked.outcome, { kind: 'too_large', host: 'b' });
  t.deepEqual(hub.hosts(), ['a', 'b']);
  if (asked.outcome === undefined) return;
  const read = readTokenOutcome(asked.outcome, 'wx1', 0);
  t.true(read.kind === 'none' && read.next === 'later' && /is not a hub/.test(read.why.message));
});

test('nothing is requested for a caller that disconnected while the credential was read', async (t) => {
  const hub = startClient();
  const leaving = new AbortController();
  leaving.abort();
  const asked = await hub.ask({ method: 'POST', repeatable: false, signal: leaving.signal });
  t.like(asked.outcome, { kind: 'failed', failure: { reason: 'left' } });
  t.is(hub.http.sendings.length, 0);
});
