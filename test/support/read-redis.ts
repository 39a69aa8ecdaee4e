import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { RedisRecords } from '../../src/store/redis-records.ts';
import { makeTokenCipher } from '../../src/store/cipher.ts';

/** A program of its own that reads one record from the Redis at its argument, and says how that went. */
const records = new RedisRecords({
  target: { url: new Secret(process.argv[2] ?? ''), sentinels: [], cluster: false },
  keyPrefix: 'test:',
  cipher: makeTokenCipher(undefined),
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
});
const keepAlive = setInterval(() => undefined, 1_000);
const { kind } = await records.read({ appid: 'wx0123456789abcdef', mode: 'stable' });
await records.close();
clearInterval(keepAlive);
process.stdout.write(kind);
