import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { Audit } from '../../src/hub/audit.ts';
import type { Caller } from '../../src/hub/authenticator.ts';
import { Refreshes } from '../../src/hub/refreshes.ts';
import type { ReportAnswer } from '../../src/token/source.ts';
import { makeToken } from '../../src/token/token.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { refusal } from '../support/refusal.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startHubPair } from '../support/hub.ts';
import { RIGHTS } from '../../src/hub-api/rights.ts';

const ORDERS: Caller = {
  kind: 'client',
  name: 'orders',
  grants: [{ apps: new Set(['*']), may: new Set(RIGHTS) }],
};
const REPORTS: Caller = { ...ORDERS, name: 'reports' };
const APP = `/v1/apps/${DEMO_APP.appid}/token`;

function bench(): { clock: ManualClock; refreshes: Refreshes; current: string; asked: () => number } {
  const clock = new ManualClock();
  const token = makeToken('current-token', clock.monotonicMs(), 7_200_000);
  const answer: ReportAnswer = { kind: 'accepted', token, holdMs: 2_000 };
  let asked = 0;
  const refreshes = new Refreshes({
    accounts: {
      peek: () => token,
      report() {
        asked += 1;
        return Promise.resolve(answer);
      },
      isFreeReport: (_, { fingerprint, path }) => fingerprint !== token.fingerprint || path === HELD,
      refreshNow: () => Promise.resolve({ kind: 'token', token }),
    },
    audit: new Audit(silentLog),
    clock,
  });
  return { clock, refreshes, current: token.fingerprint, asked: () => asked };
}

/** A path that is being checked or on hold. */
const HELD = '/cgi-bin/held';

test('a caller may send 500 reports per second about an account, without affecting other callers', async (t) => {
  const { clock, refreshes, current, asked } = bench();
  const report = (caller: Caller, appid = 'wxone'): Promise<string> =>
    refreshes.report(caller, appid, refusal(current)).then(({ kind }) => kind);
  for (let count = 0; count < 500; count++) t.is(await report(ORDERS), 'accepted');
  t.is(await report(ORDERS), 'limited');
  t.is(asked(), 500);
  t.is(await report(REPORTS), 'accepted');
  t.is(await report(ORDERS, 'wxtwo'), 'accepted');
  clock.advance(2);
  t.is(await report(ORDERS), 'accepted');
  t.is(await report(ORDERS), 'limited');
});

test('reports of an old token, and of a path on hold, do not count against the limit', async (t) => {
  const { refreshes, current } = bench();
  for (let count = 0; count < 1_000; count++) {
    t.is((await refreshes.report(ORDERS, 'wxone', refusal('0123456789abcdef'))).kind, 'accepted');
    t.is((await refreshes.report(ORDERS, 'wxone', refusal(current, 40001, HELD))).kind, 'accepted');
  }
});

test('a hub that cannot check a refused token returns 503 with the cause, and logs who reported it', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const { fingerprint } = (await hub.call(APP)).json();
  simulator.control.configure({ appid: DEMO_APP.appid, ipAllow: ['192.0.2.1'] });
  const answer = await hub.call(`${APP}/refresh`, { body: { fingerprint, errcode: 40014 } });
  t.is(answer.status, 503);
  t.like(answer.json(), { type: 'urn:wechat-sidecar:problem:token_unavailable', errcode: 40164 });
  t.regex(hub.lines.join(''), /refresh requested/);
});

test('a report of an old token causes no refresh and returns the current token', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const current = (await hub.call(APP)).json();
  simulator.control.clear();
  const answer = await hub.call(`${APP}/refresh`, {
    body: { fingerprint: '0123456789abcdef', errcode: 42001 },
  });
  t.is(answer.status, 200);
  t.is(answer.json()['refreshed'], false);
  t.is(answer.json()['outcome'], 'not_current');
  t.is(answer.json()['fingerprint'], current['fingerprint']);
  t.is(simulator.control.arrivals().length, 0);
});
