import type { Ask } from '../../src/wechat/ask.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

export const PLATFORM = 'platform';

/** Why and how often the platform's answers take long, or get lost. */
export interface PlatformWeather {
  /** Chance of an answer that takes seconds, and of one that never comes although the call was made. */
  slowShare: number;
  lostShare: number;
}

/** A machine's own calls to the platform, over the network, as `makeAsk` makes them over sockets. */
export function platformAsk(world: World, machine: Machine): Ask {
  const { platform, network, schedule, weather } = world;
  const chance = world.chance(`ask ${machine.name}`);
  return (request) =>
    new Promise((resolve) => {
      let over = false;
      const settle = (outcome: Awaited<ReturnType<Ask>>): void => {
        if (over) return;
        over = true;
        timer.cancel();
        resolve(outcome);
      };
      const timer = machine.clock.after(request.timeoutMs, () =>
        settle({ kind: 'failed', sent: true, reason: 'timeout' }),
      );
      const fate = network.fate(machine.name, PLATFORM);
      if (fate !== 'open') {
        const isSilent = fate === 'drop';
        const reason = isSilent ? 'UND_ERR_CONNECT_TIMEOUT' : 'ECONNREFUSED';
        schedule.in(isSilent ? 2_400 : 5, machine, () => settle({ kind: 'failed', sent: false, reason }));
        return;
      }
      const done = world.judge.began(machine.name, request.path);
      const travelMs = network.delayMs(machine.name, PLATFORM, world.sizes.platformMs / 2);
      schedule.in(travelMs, undefined, () => {
        const { status, body } = platform.serve(request, machine.name);
        const isLost = chance.happens(weather.lostShare) || network.fate(PLATFORM, machine.name) !== 'open';
        const slowMs = chance.happens(weather.slowShare) ? chance.between(1_000, 8_000) : 0;
        const backMs = network.delayMs(PLATFORM, machine.name, world.sizes.platformMs / 2) + slowMs;
        schedule.in(backMs, undefined, done);
        if (isLost) return;
        schedule.in(backMs, machine, () => settle({ kind: 'answer', status, body: Buffer.from(body) }));
      });
    });
}
