import test from 'ava';
import { accountsIn, statusTable } from '../../src/cli/status-table.ts';

test('a failing account, a skipped upstream and a proxy in between are shown in columns', (t) => {
  const status = {
    role: 'proxy',
    proxy: {
      defaultApp: null,
      accounts: [
        {
          appid: 'wx1',
          mode: 'stable',
          lastFailure: { over: false },
          next: 'retry after 40164 in 3 min: allow 1.2.3.4',
        },
        { appid: 'wx22', mode: 'login', next: 'nothing to do' },
      ],
      upstreams: [
        {
          url: 'https://a',
          state: 'skipped',
          lastFailureAt: '2026-03-01T12:00:00Z',
          lastFailure: 'ECONNREFUSED',
        },
      ],
      egressProxy: { proxy: 'http://gate:3128', from: 'egressProxy' },
      inFlight: 3,
    },
  };
  t.is(
    statusTable('proxy 1.2.3', status),
    `proxy 1.2.3
  account  mode    token  left  next
  wx1      stable  -      -     retry after 40164 in 3 min: allow 1.2.3.4
  wx22     login   -      -     nothing to do
  upstream   state    failed at             why
  https://a  skipped  2026-03-01T12:00:00Z  ECONNREFUSED
  egress proxy: proxy http://gate:3128, from egressProxy
  inFlight 3
`,
  );
  t.deepEqual(
    accountsIn(status).map(({ isFailing }) => isFailing),
    [true, false],
  );
});

test('a response from something else than a sidecar breaks neither the terminal nor the command', (t) => {
  const hostile = {
    role: 'hub',
    hub: { accounts: [{ appid: '\u001b[2J\nwx', next: 'x'.repeat(5_000) }], upstreams: 7 },
  };
  const table = statusTable('hub', hostile);
  t.notRegex(table, /[^\n\P{Cc}]/u);
  t.true(table.length < 2_000);
  for (const odd of [
    null,
    7,
    'x',
    [],
    {},
    { role: '__proto__' },
    { role: 'proxy', proxy: { accounts: [null, 3] } },
  ]) {
    t.notThrows(() => statusTable('x', odd));
  }
});
