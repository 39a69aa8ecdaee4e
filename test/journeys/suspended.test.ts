import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { APPID, costOf, INFO, MODES, startSidecar } from '../support/sidecar.ts';
import { startSimulator } from '../support/simulator.ts';

const LIFE_MS = 3_000;

for (const mode of MODES) {
  test.serial(`in mode ${mode}, a process suspended past the end of its token recovers`, async (t) => {
    const platform = await startSimulator(t);
    const { control } = platform;
    control.configure({ appid: APPID, tokenLifeMs: LIFE_MS });
    const sidecar = await startSidecar(t, [platform.origin], { env: { WECHAT_TOKEN_MODE: mode } });
    await sidecar.call(INFO);
    sidecar.signal('SIGSTOP');
    t.teardown(() => sidecar.signal('SIGCONT'));
    // These calls are waiting when it wakes.
    const waiting = Array.from({ length: 20 }, () => sidecar.call(INFO));
    await pause(LIFE_MS * 2);
    control.clear();
    sidecar.signal('SIGCONT');
    for (const reply of await Promise.all(waiting)) t.is(reply.json()['openid'], 'oJourney01');
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
    t.is(await sidecar.health('readyz'), 200);
    t.true(costOf(control).all <= 4, JSON.stringify(costOf(control)));
  });
}
