import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { waitAtMost } from '../base/wait.ts';
import type { Random } from '../base/random.ts';
import type { SharedState } from '../token/state.ts';
import type { SharedAccount, SharedRecords } from '../store/shared-records.ts';
import { SharedLease } from './shared-lease.ts';
import type { TokenStore } from '../store/store.ts';
import type { LeaseManager } from '../token/lease.ts';

/** Shutdown does not wait longer than this for a fetch to end and its token to be published. */
const CLOSE_MS_MAX = 3_000;

export interface SharedStoreParts {
  readonly records: SharedRecords;
  /** The name of this process among those that share the store. */
  readonly holder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A store for any number of processes that own the same accounts; each account has one lease. */
export class SharedStore implements TokenStore {
  readonly #parts: SharedStoreParts;
  readonly #leases: Map<string, SharedLease> = new Map();
  #serial = 0;

  constructor(parts: SharedStoreParts) {
    this.#parts = parts;
    const each = (act: (lease: SharedLease) => void): void => {
      for (const lease of this.#leases.values()) act(lease);
    };
    parts.records.listen({
      changed: (account) => this.#leases.get(keyOf(account))?.changed(),
      connected: () => each((lease) => lease.changed()),
      disconnected: () => each((lease) => lease.disconnected()),
    });
  }

  share(account: SharedAccount, onShared: (shared: SharedState) => void): LeaseManager {
    this.#serial += 1;
    const { holder } = this.#parts;
    const lease = new SharedLease({ ...this.#parts, account, owner: `${holder}/${this.#serial}`, onShared });
    this.#leases.get(keyOf(account))?.close();
    this.#leases.set(keyOf(account), lease);
    return lease;
  }

  async load(account: SharedAccount): Promise<SharedState | undefined> {
    return this.#leases.get(keyOf(account))?.load();
  }

  save(account: SharedAccount, { token }: SharedState): void {
    if (token !== undefined) this.#leases.get(keyOf(account))?.save(token);
  }

  async close(): Promise<void> {
    const { clock, records } = this.#parts;
    const all = Promise.all([...this.#leases.values()].map((lease) => lease.settled()));
    await waitAtMost(clock, CLOSE_MS_MAX, all);
    await records.close();
  }
}

function keyOf({ appid, mode }: SharedAccount): string {
  return `${mode} ${appid}`;
}
