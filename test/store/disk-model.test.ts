import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { silentLog } from '../../src/base/log.ts';
import { seededRandom, systemRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { FileRecords } from '../../src/store/file-store.ts';
import type { TokenRecord, TokenRecords } from '../../src/store/token-records.ts';
import { type Disk, diskRecords } from '../support/disk-model.ts';
import { ManualClock } from '../support/manual-clock.ts';

const HOUR_MS = 3_600_000;
const APPIDS = ['wx0123456789abcdef', 'wxfedcba9876543210'];
const MODES = ['stable', 'classic'] as const;

test('the disk model and the file store agree for random commands', async (t) => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const random = seededRandom(seed);
    const one = <Value>(values: readonly Value[]): Value =>
      values[Math.floor(random() * values.length)] as Value;
    const directory = await mkdtemp(join(tmpdir(), 'wechat-sidecar-disk-'));
    t.teardown(() => rm(directory, { recursive: true }));
    const clock = new ManualClock();
    const disk: Disk = new Map();
    const start = (): [TokenRecords, TokenRecords] => [
      new FileRecords({ path: join(directory, 'tokens.json'), clock, random: systemRandom, log: silentLog }),
      diskRecords({ disk, unixMs: () => clock.unixMs(), later: (run) => run() }),
    ];
    let stores = start();
    for (let at = 0; at < 30; at += 1) {
      const [appid, mode] = [one(APPIDS), one(MODES)];
      const act = random();
      if (act < 0.4) {
        const issuedAtUnixMs = clock.unixMs() + one([0, -HOUR_MS, HOUR_MS]);
        const value = new Secret(`token ${seed} ${at} of a length that is usual`);
        const record: TokenRecord = {
          appid,
          mode,
          ...(random() < 0.8 && {
            token: { value, issuedAtUnixMs, expiresAtUnixMs: issuedAtUnixMs + 2 * HOUR_MS },
          }),
          forcedAtUnixMs: one([[], [clock.unixMs() - 1_000], [clock.unixMs() + HOUR_MS]]),
        };
        for (const store of stores) {
          store.save(record);
          await store.written?.();
        }
      } else if (act < 0.6) {
        for (const store of stores) await store.close();
        stores = start();
      } else if (act < 0.7) clock.advance(one([1_000, 60_000]));
      const [real, model] = await Promise.all(stores.map((store) => store.load(appid, mode)));
      t.deepEqual(plain(real), plain(model), `seed ${seed}, step ${at}`);
    }
    for (const store of stores) await store.close();
  }
});

function plain(record: TokenRecord | undefined): unknown {
  if (record?.token === undefined) return record;
  return { ...record, token: { ...record.token, value: record.token.value.reveal() } };
}
