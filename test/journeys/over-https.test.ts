import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runCommand, type RoleProcess, startRole } from '../support/process.ts';
import { APPID, APPSECRET, INFO, startSidecar } from '../support/sidecar.ts';
import { type Ask, ask, type Reply } from '../support/simulator-client.ts';

interface Platform {
  readonly role: RoleProcess;
  readonly origin: string;
  /** For NODE_EXTRA_CA_CERTS. */
  readonly certFile: string;
  /** Makes a control call. */
  control(name: string, body?: object): Promise<Reply>;
}

/** The simulator as users run it: a separate process with TLS. */
async function startTlsPlatform(t: ExecutionContext): Promise<Platform> {
  const env = { WECHAT_SIMULATOR_TLS: 'true', WECHAT_SIDECAR_LISTEN: 'localhost:0' };
  const role = await startRole(t, 'simulator', { env });
  const line = await role.untilLine('trust this certificate to call the simulator');
  const certFile = String(line['file']);
  t.teardown(() => rmSync(dirname(certFile), { recursive: true, force: true }));
  const origin = `https://localhost:${role.port}`;
  const ca = readFileSync(certFile, 'utf8');
  const control = (name: string, body: object = {}): Promise<Reply> => {
    const request: Ask = { method: 'POST', body, ca };
    return ask(`${origin}/__sim/${name}`, request);
  };
  return { role, origin, certFile, control };
}

test.serial('over TLS with a private CA everything works as without', async (t) => {
  const platform = await startTlsPlatform(t);
  const env = { NODE_EXTRA_CA_CERTS: platform.certFile };
  const sidecar = await startSidecar(t, [platform.origin], { env });
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  t.is((await platform.control('expire')).status, 200);
  const healed = await sidecar.call(INFO);
  t.regex(String(healed.headers['x-wechat-sidecar']), /replay=1$/);

  const picture = randomBytes(500_000);
  const head = '--b\r\nContent-Disposition: form-data; name="media"; filename="a.jpg"\r\n\r\n';
  const body = Buffer.concat([Buffer.from(head), picture, Buffer.from('\r\n--b--\r\n')]);
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  await platform.control('revoke');
  const uploaded = await sidecar.call('/cgi-bin/media/upload?type=image', { body, headers });
  const got = await sidecar.call(`/cgi-bin/media/get?media_id=${String(uploaded.json()['media_id'])}`);
  t.is(hashOf(got.body), hashOf(picture));

  const login = await sidecar.call('/sns/jscode2session?js_code=c1&grant_type=authorization_code');
  t.is(typeof login.json()['openid'], 'string');
  const foreign = await sidecar.call(`${INFO}&access_token=somebody-elses-token-of-some-length`);
  t.is(foreign.json()['errcode'], 40001);
  t.is((await platform.role.stop()).code, 0);
});

test.serial(
  'a platform whose certificate is not trusted counts as unreachable, and check says what to do',
  async (t) => {
    const platform = await startTlsPlatform(t);
    const sidecar = await startSidecar(t, [platform.origin], { token: false });
    const line = await sidecar.untilLine('no upstream is reachable');
    t.regex(String(line['reason']), /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/);
    for (const query of ['', '&access_token=somebody-elses-token-of-some-length']) {
      const reply = await sidecar.call(INFO + query);
      const reason = query === '' ? 'token_unavailable' : 'upstream_unreachable';
      t.is(reply.headers['x-wechat-sidecar-error'], reason);
    }
    const env = {
      WECHAT_APPID: APPID,
      WECHAT_APPSECRET: APPSECRET,
      WECHAT_SIDECAR_UPSTREAMS: platform.origin,
    };
    const check = await runCommand(t, 'check', { env });
    t.is(check.code, 1);
    t.regex(check.stdout, /certificate.*NODE_EXTRA_CA_CERTS/);
    const trusting = await runCommand(t, 'check', {
      env: { ...env, NODE_EXTRA_CA_CERTS: platform.certFile },
    });
    t.is(trusting.code, 0, trusting.stdout);
  },
);

test.serial('a platform that does not speak TLS on its port is reported as such', async (t) => {
  const plain = await startRole(t, 'simulator');
  const env = {
    WECHAT_APPID: APPID,
    WECHAT_APPSECRET: APPSECRET,
    WECHAT_SIDECAR_UPSTREAMS: `https://127.0.0.1:${plain.port}`,
  };
  const check = await runCommand(t, 'check', { env });
  t.is(check.code, 1);
  t.regex(check.stdout, /does not speak TLS on that port/);
});

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
