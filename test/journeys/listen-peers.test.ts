import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { rawCall } from '../support/raw-call.ts';
import { INFO, startSidecar } from '../support/sidecar.ts';
import { startSimulator } from '../support/simulator.ts';
import { temporaryFolder } from '../support/temporary.ts';

/**
 * Loopback in a notation that is not recognised as such, because no test may be reachable from other
 * machines.
 */
const BEYOND = '[0:0:0:0:0:0:0:1]:0';

const hasIpv6 = await new Promise<boolean>((resolve) => {
  const probe = createServer();
  probe.once('error', () => resolve(false));
  probe.listen(0, '::1', () => probe.close(() => resolve(true)));
});

(hasIpv6 ? test : test.skip)(
  'a sidecar for other containers serves listed peers, by its name, and a change of the list at once',
  async (t) => {
    const platform = await startSimulator(t);
    const file = join(temporaryFolder(t), 'sidecar.yaml');
    const setPeers = (peers: string): void =>
      writeFileSync(file, `listenPeers: [${peers}]\nallowedHosts: [wechat-sidecar]\n`, { mode: 0o600 });
    setPeers('10.0.0.0/8');
    const sidecar = await startSidecar(t, [platform.origin], {
      env: { WECHAT_SIDECAR_LISTEN: BEYOND, WECHAT_SIDECAR_CONFIG: file },
    });
    const call = (headers = ''): Promise<string> =>
      rawCall(
        sidecar.port,
        `GET ${INFO} HTTP/1.1\r\nHost: wechat-sidecar:${sidecar.port}\r\nConnection: close\r\n${headers}\r\n`,
        '::1',
      ).catch(() => '');
    t.is(await call(), '');
    await sidecar.untilLine('connection closed: peer is not listed', ({ peer }) => peer === '::1');
    setPeers('10.0.0.0/8, "::1"');
    while ((await call()) === '') await pause(25);
    t.regex(await call(), /oJourney01/);
    t.regex(
      await call('User-Agent: Mozilla/5.0\r\n'),
      /^HTTP\/1\.1 403 [^]*x-wechat-sidecar-error: forbidden_origin/i,
    );
  },
);
