import test from 'ava';
import { APPID, costOf, INFO, MODES, startPair } from '../support/sidecar.ts';

const CALLERS = 300;

for (const mode of MODES) {
  for (const death of ['expire', 'revoke'] as const) {
    const story = `in mode ${mode}, 300 callers meet one token after ${death}`;
    test.serial(`${story}: one refresh, and no caller notices`, async (t) => {
      const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: mode } });
      // All calls are refused together: the platform responds only when all of them have arrived.
      control.delay({ path: '/cgi-bin/user/info', ms: 300 });
      control[death]();
      const standIn = await sidecar.standIn();
      const replies = await Promise.all(
        Array.from({ length: CALLERS }, (_, i) =>
          sidecar.call(`${INFO}${i}${i % 2 === 0 ? `&access_token=${standIn}` : ''}`),
        ),
      );
      t.deepEqual(
        replies.map((reply) => reply.json()['openid']),
        replies.map((_, i) => `oJourney01${i}`),
      );
      // Mode stable first asks in normal mode, and forces if it gets the same dead token back.
      const { fetches, checks } = costOf(control);
      t.true(fetches <= 2 && checks <= 1, `${fetches} fetches, ${checks} checks`);
      t.is(control.counters().apps[APPID]?.tokensIssued, 1);
      t.is(await sidecar.metric('wechat_sidecar_token_refreshes_total', 'result="renewed"'), 2);
    });
  }
}

test.serial('a late report of an old token does not invalidate the new one', async (t) => {
  const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: 'classic' } });
  control.revoke();
  // This caller is refused at once, but gets the response only after others have had the token replaced.
  control.break({
    path: '/cgi-bin/menu/get',
    fault: { kind: 'slow', pieceBytes: 40, everyMs: 500 },
    times: 1,
  });
  const late = sidecar.call('/cgi-bin/menu/get');
  await control.arrived({ path: '/cgi-bin/menu/get' });
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  t.is(costOf(control).fetches, 1);
  t.is((await late).json()['errcode'], 46003, 'healed: the answer is that of the endpoint');
  t.is(costOf(control).fetches, 1);
});
