import { connect, type Socket } from 'node:net';
import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { Audit } from '../../src/hub/audit.ts';
import type { Caller } from '../../src/hub/callers.ts';
import { Refreshes } from '../../src/hub/refreshes.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import type { TokenAnswer } from '../../src/token/source.ts';
import { makeToken } from '../../src/token/token.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ORDERS_KEY, startHubPair } from '../support/hub.ts';
import { until } from '../support/hub-proxy.ts';

const ORDERS: Caller = { kind: 'client', name: 'orders', apps: new Set(['*']) };

test('in a storm, late reports of an earlier token do not part the others from their question', async (t) => {
  const clock = new ManualClock();
  const current = makeToken('current-token', clock.lifeMs(), 7_200_000);
  const next = makeToken('next-token', clock.lifeMs(), 7_200_000);
  const answers: ((answer: TokenAnswer) => void)[] = [];
  const refreshes = new Refreshes({
    accounts: {
      peek: () => current,
      token: () => Promise.resolve({ kind: 'token', token: current }),
      refused: (_, fingerprint) =>
        fingerprint === current.fingerprint
          ? new Promise((resolve) => answers.push(resolve))
          : Promise.resolve({ kind: 'token', token: current }),
      refreshNow: () => Promise.resolve({ kind: 'token', token: current }),
    },
    audit: new Audit(silentLog, clock),
    clock,
  });
  const storm = [];
  for (let sidecar = 0; sidecar < 100; sidecar++) {
    storm.push(refreshes.report(ORDERS, 'wxone', current.fingerprint, 40001));
    await refreshes.report(ORDERS, 'wxone', '0123456789abcdef', 40001);
  }
  for (const answer of answers) answer({ kind: 'token', token: next });
  const outcomes = await Promise.all(storm);
  t.is(outcomes.filter(({ kind }) => kind === 'limited').length, 0);
});

test('watches that wait behind another one on their connection are forgotten with it', async (t) => {
  const { hub } = await startHubPair(t);
  const watchers = (): number => (hub.role.status() as { watchers: number }).watchers;
  const head = `GET /v1/tokens/watch HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${ORDERS_KEY}\r\n\r\n`;
  const socket: Socket = connect(hub.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.resume();
  socket.write(head.repeat(10));
  await until(() => watchers() > 0);
  socket.destroy();
  await until(() => watchers() === 0).catch(() => undefined);
  t.is(watchers(), 0);
});

test('what the page refuses is written down as well', async (t) => {
  const { hub } = await startHubPair(t, { file: 'apps: [{ appid: wx00000000000other, secret: other }]' });
  const login = await fetch(`${hub.base}/login`, {
    method: 'POST',
    headers: { origin: hub.base },
    body: `key=${ORDERS_KEY}`,
    redirect: 'manual',
  });
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
  const ask = (appid: string, origin: string): Promise<Response> =>
    fetch(`${hub.base}/page/apps/${appid}/refresh`, { method: 'POST', headers: { cookie, origin } });
  t.is((await ask('wx00000000000other', hub.base)).status, 404);
  t.is((await ask(DEMO_APP.appid, 'http://evil.example')).status, 403);
  const refusals = hub.lines.filter((line) => line.includes('"a caller was refused"'));
  t.is(refusals.length, 2);
});
