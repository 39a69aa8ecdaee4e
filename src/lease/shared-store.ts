import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Shared } from '../token/state.ts';
import type { TokenMode } from '../token/token.ts';
import type { SharedAccount, SharedRecords } from '../store/shared-records.ts';
import { SharedTurns } from './shared-turns.ts';
import { fromRecord, type TokenRecord, type TokenStore, toRecord } from '../store/store.ts';
import type { Turns } from '../token/lease.ts';

/** A stop does not wait longer than this for a turn to end and its token to be published. */
const CLOSE_MS_MAX = 3_000;

export interface SharedStoreParts {
  readonly records: SharedRecords;
  /** The name of this process among those that share the store. */
  readonly holder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A store for any number of processes that hold the same accounts: each account has its turns. */
export class SharedStore implements TokenStore {
  readonly #parts: SharedStoreParts;
  readonly #turns: Map<string, SharedTurns> = new Map();
  #serial = 0;

  constructor(parts: SharedStoreParts) {
    this.#parts = parts;
    const each = (act: (turns: SharedTurns) => void): void => {
      for (const turns of this.#turns.values()) act(turns);
    };
    parts.records.listen({
      changed: (account) => this.#turns.get(keyOf(account))?.changed(),
      back: () => each((turns) => turns.changed()),
      away: () => each((turns) => turns.lost()),
    });
  }

  share(account: SharedAccount, heard: (shared: Shared) => void): Turns {
    this.#serial += 1;
    const { holder } = this.#parts;
    const turns = new SharedTurns({ ...this.#parts, account, owner: `${holder}/${this.#serial}`, heard });
    this.#turns.get(keyOf(account))?.close();
    this.#turns.set(keyOf(account), turns);
    return turns;
  }

  async load(appid: string, mode: TokenMode): Promise<TokenRecord | undefined> {
    const found = await this.#turns.get(keyOf({ appid, mode }))?.load();
    return found && toRecord(appid, mode, found.token, found.forcedAtMs, this.#parts.clock);
  }

  save(record: TokenRecord): void {
    const { token } = fromRecord(record, this.#parts.clock);
    if (token !== undefined) this.#turns.get(keyOf(record))?.save(token);
  }

  async close(): Promise<void> {
    const { clock, records } = this.#parts;
    const all = Promise.all([...this.#turns.values()].map((turns) => turns.settled()));
    let limit: { cancel(): void } | undefined;
    const waited = new Promise<void>((resolve) => {
      limit = clock.after(CLOSE_MS_MAX, resolve);
    });
    await Promise.race([all, waited]);
    limit?.cancel();
    await records.close();
  }
}

function keyOf({ appid, mode }: SharedAccount): string {
  return `${mode} ${appid}`;
}
