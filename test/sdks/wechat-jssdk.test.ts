import test, { registerCompletionHandler } from 'ava';
import jssdk from 'wechat-jssdk';
import { APPID, costOf, type Sidecar, startPair } from '../support/sidecar.ts';

// It sets an interval that nothing takes back.
registerCompletionHandler(() => process.exit());

/** Set up as its documentation says, with a secret that nobody has. Its store would be a file. */
function optionsFor({ base }: Sidecar): ConstructorParameters<typeof jssdk.JSSDK>[0] {
  return {
    appId: APPID,
    appSecret: 'made-up',
    store: new jssdk.Store({ noInterval: true }),
    accessTokenUrl: `${base}/cgi-bin/token`,
    ticketUrl: `${base}/cgi-bin/ticket/getticket`,
    decodeCardCodeUrl: `${base}/card/code/decrypt`,
    miniProgram: {
      appId: APPID,
      appSecret: 'made-up',
      GET_SESSION_KEY_URL: `${base}/sns/jscode2session`,
    },
  };
}

test.serial('wechat-jssdk signs pages and reads cards, and continues when its token is killed', async (t) => {
  const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: 'classic' } });
  const options = optionsFor(sidecar);
  const web = new jssdk.JSSDK(options);
  const card = new jssdk.Card(options);
  const works = async (url: string): Promise<void> => {
    t.regex((await web.getSignature(url)).signature, /^[0-9a-f]{40}$/);
    t.is((await card.decryptCardCode('encrypted'))['errcode'], 0);
    t.regex(String((await web.getGlobalTokenAndTicket(true))['jsapi_ticket']), /^[\w-]{40,}$/);
  };
  await works('http://shop.example/first');
  for (const death of ['expire', 'revoke'] as const) {
    control[death]();
    await works(`http://shop.example/${death}`);
  }
  t.is(control.counters().paths['/card/code/decrypt']?.calls, 5, 'twice, a call and its replay');
  t.is(costOf(control).fetches, 2);
});

test.serial('wechat-jssdk logs in users of a mini-program, without the secret', async (t) => {
  const { control, sidecar } = await startPair(t);
  const { openid, session_key: key } = await new jssdk.MiniProgram(optionsFor(sidecar)).getSession('code-1');
  t.true(openid.length > 10 && key.length > 10);
  t.is(control.counters().paths['/sns/jscode2session']?.calls, 1);
});

for (const errcode of [40001, 40014, 42001]) {
  test.serial(
    `an endpoint that always responds with ${errcode} does not make wechat-jssdk retry endlessly`,
    async (t) => {
      const { control, sidecar } = await startPair(t);
      const card = new jssdk.Card(optionsFor(sidecar));
      control.break({ path: '/card/code/decrypt', fault: { kind: 'errcode', errcode } });
      const refused = await card.decryptCardCode('encrypted').catch((error: unknown) => error);
      t.is((refused as { errcode: number }).errcode, -errcode);
      const asked = (endpoint: string): Promise<number> =>
        sidecar.metric('wechat_sidecar_requests_total', `endpoint="${endpoint}"`);
      t.is(await asked('/card/code/decrypt'), 1);
      t.is(await asked('/cgi-bin/token'), 1);
      t.true(costOf(control).all < 10);
    },
  );
}
