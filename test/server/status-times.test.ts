import test from 'ava';
import { withReadableTimes } from '../../src/server/status-times.ts';

const NOW_MS = Date.UTC(2026, 2, 1, 12, 0, 0);

test('times are RFC 3339, and future ones come with the seconds that are left', (t) => {
  const status = {
    accounts: [
      {
        appid: 'wx1',
        issuedAtUnixMs: NOW_MS - 60_000,
        expiresAtUnixMs: NOW_MS + 7_139_600,
        nextRefreshUnixMs: NOW_MS + 1_400,
        rationed: { untilUnixMs: NOW_MS - 2_000, message: 'wait' },
        lastFailure: { errcode: -1, sinceUnixMs: NOW_MS - 1, lastUnixMs: NOW_MS, times: 2, over: true },
      },
    ],
    upstreams: [{ url: 'http://a', lastFailureUnixMs: NOW_MS }],
    copy: { unixMs: NOW_MS },
    inFlight: 1,
    defaultApp: null,
  };
  t.deepEqual(withReadableTimes(status, NOW_MS), {
    accounts: [
      {
        appid: 'wx1',
        issuedAt: '2026-03-01T11:59:00Z',
        expiresAt: '2026-03-01T13:58:59Z',
        expiresInS: 7_140,
        nextRefreshAt: '2026-03-01T12:00:01Z',
        nextRefreshInS: 1,
        rationed: { until: '2026-03-01T11:59:58Z', untilInS: -2, message: 'wait' },
        lastFailure: {
          errcode: -1,
          since: '2026-03-01T11:59:59Z',
          lastAt: '2026-03-01T12:00:00Z',
          times: 2,
          over: true,
        },
      },
    ],
    upstreams: [{ url: 'http://a', lastFailureAt: '2026-03-01T12:00:00Z' }],
    copy: { at: '2026-03-01T12:00:00Z' },
    inFlight: 1,
    defaultApp: null,
  });
});

test('an impossible time is null, and affects nothing else', (t) => {
  t.deepEqual(withReadableTimes({ endsAtUnixMs: Infinity, a: 1 }, 0), {
    endsAt: null,
    endsInS: Infinity,
    a: 1,
  });
});
