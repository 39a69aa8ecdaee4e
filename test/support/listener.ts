import type { RequestListener } from 'node:http';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { listen, type Listener, type ListenOptions } from '../../src/server/listen.ts';

/** A listener on a free port of loopback, which ends with the test. */
export async function startListener(
  t: ExecutionContext,
  handler: RequestListener,
  over: Partial<ListenOptions> = {},
): Promise<Listener> {
  const listener = await listen({
    handler,
    host: '127.0.0.1',
    port: 0,
    setting: 'WECHAT_SIDECAR_LISTEN (listen)',
    clock: systemClock,
    log: silentLog,
    ...over,
  });
  t.teardown(() => listener.close());
  return listener;
}
