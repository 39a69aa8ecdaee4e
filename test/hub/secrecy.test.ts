import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { makeTestCertificate } from '../support/certificates.ts';
import { ORDERS_KEY, REPORTS_KEY, startHubPair } from '../support/hub.ts';
import { openWatch } from '../support/hub-watch.ts';
import { ask } from '../support/simulator-client.ts';

const APP = `/v1/apps/${DEMO_APP.appid}`;
const LOGIN = {
  method: 'GET',
  path: '/sns/jscode2session',
  query: 'js_code=c&grant_type=authorization_code',
};

test('whatever is asked and whatever fails, no token, secret or key appears in logs or errors', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const secrets = new Set([DEMO_APP.secret, ORDERS_KEY, REPORTS_KEY]);
  const errors: string[] = [];
  const call = async (...args: Parameters<typeof hub.call>): Promise<Record<string, unknown>> => {
    const answer = await hub.call(...args);
    if (answer.status >= 400) errors.push(answer.body.toString(), JSON.stringify(answer.rawHeaders));
    return answer.status === 200 && String(answer.headers['content-type']).includes('json')
      ? answer.json()
      : {};
  };
  const watch = await openWatch(hub.base, ORDERS_KEY);
  await watch.untilEvents(1);
  for (let round = 0; round < 3; round++) {
    const { access_token: token, fingerprint } = await call(`${APP}/token`);
    secrets.add(String(token));
    const { ticket } = await call(`${APP}/ticket?type=jsapi`);
    secrets.add(String(ticket));
    await call(`${APP}/relay`, { body: LOGIN });
    await call(`${APP}/relay`, { body: { ...LOGIN, path: `/x?secret=${DEMO_APP.secret}` } });
    await call(`${APP}/token/refresh`, { body: { fingerprint: String(token), errcode: 40001 } });
    await call(`${APP}/token/refresh`, { body: { fingerprint, errcode: 40001 } });
    await call(`/v1/apps/${ORDERS_KEY}/token`);
    await call(`/v1/nothing?key=${ORDERS_KEY}`);
    await call(`/cgi-bin/token?grant_type=client_credential&appid=x&secret=${ORDERS_KEY}`, {}, null);
    if (round === 0) simulator.control.overwrite();
    if (round === 1) simulator.control.configure({ appid: DEMO_APP.appid, secret: 'another-secret-now' });
    if (round === 1) simulator.control.expire();
  }
  watch.close();
  const everything = hub.lines.join('') + errors.join('');
  t.true(errors.length > 6);
  t.true(hub.lines.length > 10);
  for (const secret of secrets) t.false(everything.includes(secret), secret);
});

test('with a certificate the hub serves everything over HTTPS, including the watch, and nothing in clear text', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-tls-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const { cert, key } = await makeTestCertificate('hub');
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const { hub } = await startHubPair(t, { file: `tls: { certFile: ${certFile}, keyFile: ${keyFile} }` });
  const authorization = `Bearer ${REPORTS_KEY}`;
  const url = `https://127.0.0.1:${hub.port}`;
  const answer = await ask(`${url}${APP}/token`, { headers: { authorization }, ca: cert });
  t.is(answer.status, 200);
  const login = await ask(`${url}/login`, {
    body: `key=${REPORTS_KEY}`,
    headers: { origin: url, 'content-type': 'application/x-www-form-urlencoded' },
    ca: cert,
  });
  t.regex(String(login.headers['set-cookie']), /; secure/i);
  await t.throwsAsync(ask(`http://127.0.0.1:${hub.port}${APP}/token`, { headers: { authorization } }));
});
