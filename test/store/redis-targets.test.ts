import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { RedisTarget } from '../../src/store/redis-client.ts';
import { RedisRecords } from '../../src/store/redis-records.ts';
import { makeTokenCipher } from '../../src/store/cipher.ts';
import { makeCertificate } from '../../src/simulator/certificate.ts';
import { patientClock } from '../support/patient-clock.ts';
import { freePort } from '../support/free-port.ts';
import { RedisServer, serialRedisTest, until } from '../support/redis.ts';
import { startSentinelSet } from '../support/redis-sentinel.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ACCOUNT = { appid: 'wx0123456789abcdef', mode: 'stable' } as const;

function open(t: ExecutionContext, target: Partial<RedisTarget> & { url: Secret }): RedisRecords {
  const records = new RedisRecords({
    target: { sentinels: [], cluster: false, ...target },
    keyPrefix: 'test:',
    cipher: makeTokenCipher(undefined),
    clock: patientClock,
    random: systemRandom,
    log: silentLog,
  });
  t.teardown(() => records.close());
  return records;
}

async function generationAt(records: RedisRecords): Promise<number | undefined> {
  const seen = await records.read(ACCOUNT);
  return seen.kind === 'seen' ? (seen.record?.generation ?? 0) : undefined;
}

function publish(records: RedisRecords, generation: number): Promise<string> {
  const value = new Secret(`token-${generation}`);
  return records.publish(ACCOUNT, {
    generation,
    value,
    fingerprint: fingerprintOf(value.reveal()),
    issuedAtUnixMs: Date.now(),
    expiresAtUnixMs: Date.now() + 7_200_000,
  });
}

serialRedisTest('with Sentinels, a replica replaces a master that dies', async (t) => {
  const { master, replica, sentinelPort } = await startSentinelSet(t);
  const records = open(t, {
    url: new Secret('redis://tokens/0'),
    sentinels: [
      { host: '127.0.0.1', port: await freePort() },
      { host: '127.0.0.1', port: sentinelPort },
    ],
  });
  const told: string[] = [];
  const other = open(t, {
    url: new Secret('redis://tokens'),
    sentinels: [{ host: '127.0.0.1', port: sentinelPort }],
  });
  other.listen({ changed: (account) => told.push(account.appid), connected() {}, disconnected() {} });
  await until('it is there', async () => (await generationAt(records)) === 0);
  t.is(await publish(records, 10), 'stored');
  await until(
    'it is replicated',
    async () => (await replica.client.hget('test:{stable:wx0123456789abcdef}:token', 'generation')) === '10',
  );
  await master.kill();
  // A Sentinel that a busy machine held up trusts its clock again only after 30 s (TILT).
  await until('the replica has taken over', async () => (await generationAt(records)) === 10);
  t.is(await publish(records, 20), 'stored');
  t.is(await replica.client.hget('test:{stable:wx0123456789abcdef}:token', 'generation'), '20');
  await until('the other is told by the new master', async () => {
    await publish(records, Date.now());
    return told.length > 1;
  });
});

serialRedisTest('Redis is used over TLS, under a name that its certificate has', async (t) => {
  const folder = temporaryFolder(t);
  const { certificatePem, keyPem } = await makeCertificate(systemClock);
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(cert, certificatePem);
  writeFileSync(key, keyPem);
  const tlsPort = await freePort();
  await RedisServer.start(t, {
    args: [
      '--tls-port',
      String(tlsPort),
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-auth-clients',
      'no',
      '--tls-ca-cert-file',
      cert,
    ],
  });
  // Whom to trust is Node's own setting, which takes effect at its start.
  const run = (url: string, extra: object): string =>
    execFileSync(process.execPath, [new URL('../support/read-redis.js', import.meta.url).pathname, url], {
      env: { ...extra },
      encoding: 'utf8',
    });
  t.is(run(`rediss://localhost:${tlsPort}`, { NODE_EXTRA_CA_CERTS: cert }), 'seen');
  t.is(run(`rediss://localhost:${tlsPort}`, {}), 'unavailable');
});
