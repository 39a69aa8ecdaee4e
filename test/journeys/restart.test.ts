import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { APPID, costOf, INFO, MODES, startSidecar } from '../support/sidecar.ts';
import { startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

for (const mode of MODES) {
  test.serial(`in mode ${mode}, a restart with a token file needs no new token`, async (t) => {
    const platform = await startSimulator(t);
    const file = join(temporaryFolder(t), 'tokens.json');
    const env = { WECHAT_SIDECAR_STORE: `file:${file}`, WECHAT_TOKEN_MODE: mode };
    const first = await startSidecar(t, [platform.origin], { env });
    t.is((await first.stop()).code, 0);
    t.is(statSync(file).mode & 0o777, 0o600);
    t.true(readFileSync(file, 'utf8').includes(platform.control.token(APPID, mode) ?? 'none'));

    platform.control.clear();
    const second = await startSidecar(t, [platform.origin], { env });
    await second.untilLine('token loaded from the store');
    t.is(await second.health('readyz'), 200);
    t.is((await second.call(INFO)).json()['openid'], 'oJourney01');
    t.is(costOf(platform.control).all, 0);
    t.is(platform.control.counters().apps[APPID]?.deadTokenCalls, 0);
  });
}

test.serial('a stored token that died meanwhile is healed like any other', async (t) => {
  const platform = await startSimulator(t);
  const env = { WECHAT_SIDECAR_STORE: `file:${join(temporaryFolder(t), 'tokens.json')}` };
  await (await startSidecar(t, [platform.origin], { env })).stop();
  platform.control.revoke();
  const sidecar = await startSidecar(t, [platform.origin], { env });
  const reply = await sidecar.call(INFO);
  t.regex(String(reply.headers['x-wechat-sidecar']), /replay=1$/);
  t.is(reply.json()['openid'], 'oJourney01');
});

test.serial('a crash loop cannot use up the forced refreshes of the day', async (t) => {
  const platform = await startSimulator(t);
  platform.control.configure({ appid: APPID, forceGapMs: 0 });
  const env = { WECHAT_SIDECAR_STORE: `file:${join(temporaryFolder(t), 'tokens.json')}` };
  for (let life = 1; life <= 3; life += 1) {
    const sidecar = await startSidecar(t, [platform.origin], { env });
    platform.control.revoke();
    const reply = await sidecar.call(INFO);
    t.is(reply.json()['errcode'] ?? 0, life === 1 ? 0 : 40001);
    sidecar.signal('SIGKILL');
    await sidecar.exited;
  }
  t.is(costOf(platform.control).forced, 1);
});

const BROKEN: Readonly<Record<string, string>> = {
  'of something else': '{"some":"thing else"}',
  'cut short': '{"format":"wechat-sidecar-tokens/1","accounts":[{"appid":"wx0',
  empty: '',
  binary: '\u0000\u0001\u0002',
};

for (const [name, content] of Object.entries(BROKEN)) {
  test.serial(`a token file that is ${name} is set aside and replaced by a new one`, async (t) => {
    const platform = await startSimulator(t);
    const folder = temporaryFolder(t);
    const file = join(folder, 'tokens.json');
    writeFileSync(file, content);
    const env = { WECHAT_SIDECAR_STORE: `file:${file}` };
    const sidecar = await startSidecar(t, [platform.origin], { env });
    const line = await sidecar.untilLine('token file is not usable and was set aside; starting without it');
    t.is(line.level, 'error');
    const aside = readdirSync(folder).find((entry) => entry.startsWith('tokens.json.corrupt-'));
    t.is(readFileSync(join(folder, aside ?? ''), 'utf8'), content, 'nothing of it is lost');
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
    t.is((await sidecar.stop()).code, 0);
    t.true(readFileSync(file, 'utf8').includes(platform.control.token(APPID) ?? 'none'));
  });
}

test.serial('a process that is killed while it writes finds its token file intact', async (t) => {
  const platform = await startSimulator(t);
  const folder = temporaryFolder(t);
  // Tokens this short-lived are saved every second, and the process is killed while it writes.
  platform.control.configure({ appid: APPID, tokenLifeMs: 1_000 });
  const env = {
    WECHAT_SIDECAR_STORE: `file:${join(folder, 'tokens.json')}`,
    WECHAT_TOKEN_MODE: 'classic',
  };
  for (let life = 1; life <= 3; life += 1) {
    const sidecar = await startSidecar(t, [platform.origin], { env });
    const load = Array.from({ length: 20 }, () => sidecar.call(INFO).catch(() => undefined));
    await sidecar.untilLines('token refreshed', 3);
    sidecar.signal('SIGKILL');
    await Promise.all([sidecar.exited, ...load]);
    t.is(sidecar.lines('token file is not usable and was set aside; starting without it').length, 0);
  }
  platform.control.configure({ appid: APPID, tokenLifeMs: 7_200_000 });
  const sidecar = await startSidecar(t, [platform.origin], { env });
  t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  t.deepEqual(
    readdirSync(folder).filter((entry) => entry.includes('corrupt')),
    [],
  );
});
