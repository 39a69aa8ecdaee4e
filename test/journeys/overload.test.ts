import test from 'ava';
import { INFO, startPair } from '../support/sidecar.ts';

const SLOW = '/cgi-bin/menu/get';

for (const as of ['wechat', 'http'] as const) {
  test.serial(`one concurrent call too many is refused at once (errors as ${as})`, async (t) => {
    const env = { WECHAT_SIDECAR_MAX_IN_FLIGHT: '5', WECHAT_SIDECAR_ERROR_STATUS: as };
    const { control, sidecar } = await startPair(t, { env });
    control.delay({ path: SLOW, ms: 4_000 });
    const slow = Array.from({ length: 5 }, () => sidecar.call(SLOW));
    await control.arrived({ path: SLOW, count: 5 });
    const refused = await sidecar.call(INFO);
    t.is(refused.headers['x-wechat-sidecar-error'], 'overloaded');
    t.is(refused.status, as === 'http' ? 503 : 200);
    t.is(refused.json()['errcode'], -1);
    t.is(await sidecar.health('readyz'), 200);
    for (const reply of await Promise.all(slow)) t.is(reply.json()['errcode'], 46003);
    t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
  });
}
