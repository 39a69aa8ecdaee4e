import { get } from 'node:http';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { DRESSES, dressedToken, startDressedUpstream } from '../support/dressed-upstream.ts';
import { startHubProxy } from '../support/hub-proxy.ts';
import { startTestHub } from '../support/hub.ts';
import { startTestProxy } from '../support/proxy.ts';

const LOGIN = '/sns/jscode2session?js_code=c&grant_type=authorization_code';

interface Reply {
  readonly about: string;
  readonly body: Buffer;
}

/** The bytes as they come, which `fetch` would decode. */
function call(url: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { connection: 'close' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ about: String(response.headers['x-wechat-sidecar']), body: Buffer.concat(chunks) }),
      );
    }).on('error', reject);
  });
}

for (const [how, dress] of Object.entries(DRESSES)) {
  test(`a refusal ${how} is recognised, looked into and healed, and no byte is changed`, async (t) => {
    const upstream = await startDressedUpstream(t, dress);
    const proxy = await startTestProxy(t, [upstream.origin]);
    const well = dress('{"errcode":0,"errmsg":"ok"}').bytes;
    const first = await call(`${proxy.base}/cgi-bin/user/info`);
    t.regex(first.about, /replay=0/);
    t.true(first.body.equals(well));

    // The token answers and the trial of the token wear the same dress.
    upstream.dead.add(dressedToken(1));
    const healed = await call(`${proxy.base}/cgi-bin/user/info`);
    t.regex(healed.about, /replay=1/);
    t.true(healed.body.equals(well));

    const ticket = await call(`${proxy.base}/cgi-bin/ticket/getticket?type=jsapi`);
    t.regex(ticket.body.toString(), /"ticket":"ticket-for-jsapi"/);

    await call(`${proxy.base}${LOGIN}`);
    t.regex(
      await proxy.metrics.page(),
      /requests_total\{.*endpoint="\/sns\/jscode2session".*errcode="40029"/,
    );
  });

  test(`a login made by a hub returns, ${how}, the errcode and no coding that the response does not have`, async (t) => {
    const upstream = await startDressedUpstream(t, dress);
    const hub = await startTestHub(t, [upstream.origin]);
    const proxy = await startHubProxy(t, [upstream.origin], [hub.base], {
      env: { WECHAT_SIDECAR_DEFAULT_APP: DEMO_APP.appid },
    });
    const answer = await fetch(`${proxy.base}${LOGIN}`);
    t.is(answer.headers.get('content-encoding'), null);
    t.regex(
      Buffer.from(await answer.arrayBuffer())
        .toString()
        .replaceAll('\0', ''),
      /"errcode":40029/,
    );
    t.regex(
      await proxy.metrics.page(),
      /requests_total\{.*endpoint="\/sns\/jscode2session".*errcode="40029"/,
    );
  });
}
