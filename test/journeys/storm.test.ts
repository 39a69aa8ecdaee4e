import test from 'ava';
import { costOf, INFO, MODES, startPair } from '../support/sidecar.ts';

const ROUNDS = 15;
const CALLERS = 20;

for (const mode of MODES) {
  for (const errcode of [40001, 42001]) {
    test.serial(
      `in mode ${mode}, a storm of ${errcode} from one endpoint costs a few token calls`,
      async (t) => {
        const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: mode } });
        control.break({
          path: '/cgi-bin/menu/get',
          fault: { kind: 'errcode', errcode, errmsg: 'not yours' },
        });
        const standIn = await sidecar.standIn();
        const seen = new Map<string, number>();
        const call = async (kind: string, query: string): Promise<void> => {
          const reply = await sidecar.call(`/cgi-bin/menu/get${query}`);
          const { errcode: got, errmsg } = reply.json();
          if (got !== errcode) t.regex(String(errmsg), /^wechat-sidecar: .*not yours/);
          const key = `${kind} ${String(got)}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        };
        for (let round = 0; round < ROUNDS; round += 1) {
          await Promise.all(
            Array.from({ length: CALLERS }, (_, i) =>
              i % 2 === 0 ? call('none', '') : call('stand-in', `?access_token=${standIn}`),
            ),
          );
        }
        // A caller that sent a stand-in must not be made to fetch another one.
        const each = (ROUNDS * CALLERS) / 2;
        t.deepEqual(Object.fromEntries(seen), {
          [`none ${errcode}`]: each,
          [`stand-in -${errcode}`]: each,
        });
        t.true(costOf(control).all < 10, JSON.stringify(costOf(control)));
        t.is(costOf(control).forced, 0, 'the token is good: nothing is forced');
        t.is((await sidecar.call(INFO)).json()['openid'], 'oJourney01');
      },
    );
  }

  test.serial(
    `in mode ${mode}, a storm on fifty endpoints at once also costs a few token calls`,
    async (t) => {
      const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: mode } });
      control.break({ path: '/cgi-bin/tags/*', fault: { kind: 'errcode', errcode: 40001 } });
      for (let round = 0; round < 4; round += 1) {
        await Promise.all(Array.from({ length: 50 }, (_, i) => sidecar.call(`/cgi-bin/tags/${i}`)));
      }
      t.true(costOf(control).all < 10, JSON.stringify(costOf(control)));
    },
  );

  test.serial(
    `in mode ${mode}, a platform that refuses every token that it issues is not asked endlessly`,
    async (t) => {
      const { control, sidecar } = await startPair(t, { env: { WECHAT_TOKEN_MODE: mode } });
      control.break({ path: '/cgi-bin/user/*', fault: { kind: 'errcode', errcode: 40001 } });
      control.break({ path: '/cgi-bin/get_api_domain_ip', fault: { kind: 'errcode', errcode: 40001 } });
      const query = `&access_token=${await sidecar.standIn()}`;
      for (let round = 0; round < 10; round += 1) {
        const replies = await Promise.all(Array.from({ length: 20 }, () => sidecar.call(INFO + query)));
        for (const reply of replies) t.is(reply.json()['errcode'], -40001);
      }
      const { fetches, forced } = costOf(control);
      // Checks are 2 s apart and cost at most one fetch each; in mode stable the second forced refresh has
      // to wait.
      t.true(fetches <= 12, JSON.stringify(costOf(control)));
      t.true(forced <= 1);
    },
  );
}
