import { DEMO_APP } from '../../src/simulator/accounts.ts';
import type { SimulatorControl } from '../../src/simulator/control.ts';
import type { SimulatorOptions } from '../../src/simulator/simulator.ts';
import { ManualClock } from './manual-clock.ts';
import { ask, type Ask, type Reply } from './simulator-client.ts';
import { startSimulator, type Teardown } from './simulator.ts';

export const { appid, secret } = DEMO_APP;
export const RID = '[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}';

export interface PlatformUnderTest {
  readonly clock: ManualClock;
  readonly origin: string;
  readonly port: number;
  readonly control: SimulatorControl;
  /** GET /cgi-bin/token, its body as JSON; `query` in place of the right one. */
  readonly classic: (query?: string) => Promise<Record<string, unknown>>;
  readonly stable: (force?: boolean) => Promise<Record<string, unknown>>;
  /** A new classic token. */
  readonly token: () => Promise<string>;
  /** The platform's answer on a path with a new token. */
  readonly call: (path: string, request?: Ask) => Promise<Reply>;
  /** GET get_api_domain_ip with this token: its errcode, or 0. */
  readonly probe: (token: unknown) => Promise<number>;
}

/** A simulator whose clock stands still, and the calls that most tests of it make. */
export async function startPlatform(
  t: Teardown,
  options: Partial<SimulatorOptions> = {},
): Promise<PlatformUnderTest> {
  const clock = new ManualClock();
  const { origin, port, control } = await startSimulator(t, { clock, ...options });
  const right = `grant_type=client_credential&appid=${appid}&secret=${secret}`;
  const classic = async (query = right): Promise<Record<string, unknown>> =>
    (await ask(`${origin}/cgi-bin/token?${query}`)).json();
  const token = async (): Promise<string> => String((await classic()).access_token);
  return {
    clock,
    origin,
    port,
    control,
    classic,
    token,
    async stable(force = false) {
      const body = { grant_type: 'client_credential', appid, secret, ...(force && { force_refresh: true }) };
      return (await ask(`${origin}/cgi-bin/stable_token`, { body })).json();
    },
    async call(path, request) {
      const mark = path.includes('?') ? '&' : '?';
      return ask(`${origin}${path}${mark}access_token=${await token()}`, request);
    },
    async probe(value) {
      const answer = (await ask(`${origin}/cgi-bin/get_api_domain_ip?access_token=${String(value)}`)).json();
      return Array.isArray(answer.ip_list) ? 0 : Number(answer.errcode);
    },
  };
}
