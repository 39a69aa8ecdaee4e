import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { SharedAccount, SharedRecord, SharedRecords } from '../store/shared-records.ts';
import type { Shared } from '../token/state.ts';

export interface SharedTurnsParts {
  readonly account: SharedAccount;
  /** For people: the name of this process among the holders. */
  readonly holder: string;
  /** Differs for any two that may take turns, in this process too. Begins with the holder's name. */
  readonly owner: string;
  readonly records: SharedRecords;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Is told what other holders have published. */
  heard(shared: Shared): void;
}

/** The token that we serve, as the others know it or shall know it. */
export interface Held {
  readonly record: SharedRecord;
  /** On our life scale, which no change of the store's clock moves. */
  readonly issuedAtMs: number;
  /** `forgotten`: it was stored, and is not any more. */
  readonly stored: 'yes' | 'not yet' | 'forgotten';
}

export interface OurTurn {
  readonly generation: number;
  readonly isAlone: boolean;
  readonly isForced: boolean;
}
