import { createHash, randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import easywechat from 'node-easywechat';
import { APPID, costOf, type Sidecar, startPair } from '../support/sidecar.ts';

const { FormData, OfficialAccount } = easywechat;

type Client = ReturnType<InstanceType<typeof OfficialAccount>['getClient']>;

/** Set up as its documentation says, with a secret that nobody has. Its cache would be a file. */
function sdkFor({ base }: Sidecar, stable: boolean): Client {
  const app = new OfficialAccount({
    app_id: APPID,
    secret: 'made-up',
    use_stable_access_token: stable,
    http: { baseURL: `${base}/` },
  });
  const kept = new Map<string, unknown>();
  app.setCache({
    get: (id) => Promise.resolve(kept.get(id)),
    has: (id) => Promise.resolve(kept.has(id)),
    set: (id, data) => Promise.resolve(kept.set(id, data).has(id)),
    delete: (id) => Promise.resolve(kept.delete(id)),
  });
  return app.getClient();
}

async function worksOnce(t: ExecutionContext, client: Client): Promise<void> {
  const user = await client.get('/cgi-bin/user/info', { params: { openid: 'oSdkUser1' } });
  t.is(user.toObject()['openid'], 'oSdkUser1');
  const sent = await client.postJson('/cgi-bin/message/custom/send', { touser: 'oSdkUser1', text: '你好' });
  t.is(Number(sent.toObject()['errcode']), 0);

  const picture = randomBytes(300_000);
  const form = new FormData();
  form.append('media', picture, { filename: 'a.jpg', contentType: 'image/jpeg' });
  const uploaded = await client.post('/cgi-bin/media/upload', { params: { type: 'image' }, data: form });
  const params = { media_id: String(uploaded.toObject()['media_id']) };
  const download = await client.get('/cgi-bin/media/get', { params, responseType: 'arraybuffer' });
  const content = download.getContent() as Buffer;
  t.is(hashOf(content), hashOf(picture));
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

for (const stable of [false, true]) {
  const endpoint = stable ? '/cgi-bin/stable_token' : '/cgi-bin/token';

  test.serial(`node-easywechat with ${endpoint} works, and continues when its token is killed`, async (t) => {
    const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: 'classic' } });
    const client = sdkFor(sidecar, stable);
    await worksOnce(t, client);
    for (const death of ['expire', 'revoke'] as const) {
      control[death]();
      await worksOnce(t, client);
    }
    t.is(await sidecar.metric('wechat_sidecar_requests_total', `endpoint="${endpoint}"`), 1);
    t.is(costOf(control).fetches, 2);
  });

  test.serial(`an endpoint that always responds with 40001 is reported as such (${endpoint})`, async (t) => {
    const { control, sidecar } = await startPair(t);
    const client = sdkFor(sidecar, stable);
    control.break({ path: '/cgi-bin/menu/get', fault: { kind: 'errcode', errcode: 40001 } });
    const told = await client.get('/cgi-bin/menu/get').then(
      (response) => response.toString(),
      (error: unknown) => String(error),
    );
    t.regex(told, /-40001/);
    t.is(await sidecar.metric('wechat_sidecar_requests_total', 'endpoint="/cgi-bin/menu/get"'), 1);
    t.true(costOf(control).all < 10);
  });
}
