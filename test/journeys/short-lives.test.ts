import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { APPID, type Sidecar, startSidecar } from '../support/sidecar.ts';
import { startSimulator } from '../support/simulator.ts';

const LIFE_MS = 6_000;
const LIVES = 6;
const WORKERS = 6;

const VARIANTS = [
  { name: 'stable', mode: 'stable', account: {}, deadMax: 0 },
  { name: 'classic', mode: 'classic', account: {}, deadMax: 0 },
  // A call may be in flight when its token is overwritten without grace: it is healed, which cannot be
  // avoided.
  { name: 'classic without overlap', mode: 'classic', account: { overlapMs: 0 }, deadMax: LIVES * WORKERS },
] as const;

for (const { name, mode, account, deadMax } of VARIANTS) {
  test(`mode ${name}: no caller notices six token changes`, async (t) => {
    t.timeout(150_000);
    const platform = await startSimulator(t);
    const { control } = platform;
    control.configure({ appid: APPID, tokenLifeMs: LIFE_MS, ...account });
    const sidecar = await startSidecar(t, [platform.origin], { env: { WECHAT_TOKEN_MODE: mode } });
    let calls = 0;
    const failures: unknown[] = [];
    const issued = (): number => control.counters().apps[APPID]?.tokensIssued ?? 0;
    const work = async (worker: number): Promise<void> => {
      for (; issued() <= LIVES; calls += 1) {
        const failure = await failureOf(sidecar, worker + calls);
        if (failure !== undefined) failures.push(failure);
        await pause(30);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));

    t.deepEqual(failures, []);
    t.true(calls > 500, `${calls} calls`);
    const { deadTokenCalls = -1, forcedFetches } = control.counters().apps[APPID] ?? {};
    t.true(deadTokenCalls >= 0 && deadTokenCalls <= deadMax, `${deadTokenCalls} calls with a dead token`);
    t.is(forcedFetches, 0);
    t.is(await sidecar.metric('wechat_sidecar_replays_total', 'outcome="recovered"'), deadTokenCalls);
    t.is(await sidecar.metric('wechat_sidecar_token_refreshes_total', 'trigger="startup"'), 1);
  });
}

async function failureOf(sidecar: Sidecar, i: number): Promise<unknown> {
  const reply =
    i % 3 === 0
      ? await sidecar.call('/cgi-bin/message/custom/send', { body: { touser: `o${i}` } })
      : await sidecar.call(`/cgi-bin/user/info?openid=oSteady${i}`);
  const { errcode = 0 } = reply.json();
  return errcode === 0 && reply.status === 200 ? undefined : [reply.status, reply.json()];
}
