import type { ExecutionContext } from 'ava';
import { ask } from './simulator-client.ts';

/** A call that meets a dead token, and a caller that does not notice: what every way to run it has to show. */
export async function healedCall(t: ExecutionContext, base: string, platform: string): Promise<void> {
  const call = (): ReturnType<typeof ask> => ask(`${base}/cgi-bin/get_api_domain_ip`);
  t.true('ip_list' in (await call()).json());
  t.is((await ask(`${platform}/__sim/expire`, { method: 'POST' })).status, 200);
  const healed = await call();
  t.true('ip_list' in healed.json(), healed.body.toString());
  t.regex(String(healed.headers['x-wechat-sidecar']), /replay=1/);
}
