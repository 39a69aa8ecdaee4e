import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { Audit } from '../../src/hub/audit.ts';
import type { Caller } from '../../src/hub/callers.ts';
import { Refreshes } from '../../src/hub/refreshes.ts';
import type { TokenAnswer } from '../../src/token/source.ts';
import { makeToken } from '../../src/token/token.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDERS_KEY, REPORTS_KEY, startHubPair } from '../support/hub.ts';

const ORDERS: Caller = { kind: 'client', name: 'orders', apps: new Set(['*']) };
const REPORTS: Caller = { ...ORDERS, name: 'reports' };
const APP = `/v1/apps/${DEMO_APP.appid}/token`;

function bench(): { clock: ManualClock; refreshes: Refreshes; current: string; asked: () => number } {
  const clock = new ManualClock();
  const token = makeToken('current-token', clock.lifeMs(), 7_200_000);
  const answer: TokenAnswer = { kind: 'token', token };
  let asked = 0;
  const refreshes = new Refreshes({
    accounts: {
      peek: () => token,
      token: () => Promise.resolve(answer),
      refused() {
        asked += 1;
        return Promise.resolve(answer);
      },
      refreshNow: () => Promise.resolve(answer),
    },
    audit: new Audit(silentLog, clock),
    clock,
  });
  return { clock, refreshes, current: token.fingerprint, asked: () => asked };
}

test('a caller that reports the current token again and again is limited, and others are not', async (t) => {
  const { clock, refreshes, current, asked } = bench();
  let limited = 0;
  for (let report = 0; report < 100; report++) {
    const outcome = await refreshes.report(ORDERS, 'wxone', current, 40001);
    if (outcome.kind === 'limited') limited += 1;
  }
  t.is(asked(), 60);
  t.is(limited, 40);
  t.is((await refreshes.report(REPORTS, 'wxone', current, 40001)).kind, 'token');
  clock.advance(1_000);
  t.is((await refreshes.report(ORDERS, 'wxone', current, 40001)).kind, 'token');
  t.is((await refreshes.report(ORDERS, 'wxone', current, 40001)).kind, 'limited');
});

test('reports of a token that is not current cost nothing, and neither do those that join', async (t) => {
  const { refreshes, current, asked } = bench();
  for (let report = 0; report < 200; report++) {
    t.is((await refreshes.report(ORDERS, 'wxone', '0123456789abcdef', 40001)).kind, 'token');
  }
  const before = asked();
  const joined = await Promise.all(
    Array.from({ length: 1_000 }, () => refreshes.report(ORDERS, 'wxone', current, 40001)),
  );
  t.true(joined.every(({ kind }) => kind === 'token'));
  t.is(asked(), before + 1);
});

test('over HTTP the limit is 429 with the time to wait, and is written down', async (t) => {
  const { hub } = await startHubPair(t);
  const { fingerprint } = (await hub.call(APP)).json();
  const report = (key: string): ReturnType<typeof hub.call> =>
    hub.call(`${APP}/refresh`, { body: { fingerprint, errcode: 40014 } }, key);
  let answer = await report(ORDERS_KEY);
  for (let more = 0; more < 100 && answer.status === 200; more++) answer = await report(ORDERS_KEY);
  t.is(answer.status, 429);
  t.true(Number(answer.headers['retry-after']) >= 1);
  t.is(answer.json()['type'], 'urn:wechat-sidecar:problem:too_many_requests');
  t.is((await report(REPORTS_KEY)).status, 200);
  const log = hub.lines.join('');
  t.true(log.includes('"reason":"too_many_requests"'));
  t.regex(log, /"event":"a refresh was asked for"|a refresh was asked for/);
});

test('a report of a token that is not current refreshes nothing, and gives the one that is', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const current = (await hub.call(APP)).json();
  simulator.control.clear();
  const answer = await hub.call(`${APP}/refresh`, {
    body: { fingerprint: '0123456789abcdef', errcode: 42001 },
  });
  t.is(answer.status, 200);
  t.is(answer.json()['refreshed'], true);
  t.is(answer.json()['fingerprint'], current['fingerprint']);
  t.is(simulator.control.arrivals().length, 0);
});
