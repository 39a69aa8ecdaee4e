import type { Secret } from '../base/secret.ts';
import type { TokenMode } from '../token/token.ts';

/** The unit that owners share: an account in one mode. */
export interface SharedAccount {
  readonly appid: string;
  readonly mode: TokenMode;
}

/**
 * Times are Unix milliseconds by the store's clock, the only clock that all owners can see. If another clock
 * wrote a time ahead of it, the store records when it first returned it: from then on that time counts.
 */
export interface SharedRecord {
  /** Grows with each token; a lower one is older. At least the store's time when the token was requested. */
  readonly generation: number;
  readonly value: Secret;
  readonly fingerprint: string;
  readonly issuedAtUnixMs: number;
  readonly expiresAtUnixMs: number;
}

export function lifeOf({ issuedAtUnixMs, expiresAtUnixMs }: SharedRecord): number {
  return expiresAtUnixMs - issuedAtUnixMs;
}

/** The same token with its times by the store's current clock. */
export function redated(record: SharedRecord, issuedAtUnixMs: number): SharedRecord {
  return { ...record, issuedAtUnixMs, expiresAtUnixMs: issuedAtUnixMs + lifeOf(record) };
}

export interface StoreUnavailable {
  readonly kind: 'unavailable';
}

export interface Seen {
  readonly kind: 'seen';
  readonly nowUnixMs: number;
  /** Absent if nothing is stored. */
  readonly record?: {
    readonly generation: number;
    readonly fingerprint: string;
    readonly expiresAtUnixMs: number;
  };
  /** The record is encrypted with another key, or not at all. */
  readonly isUndecryptable: boolean;
  readonly forcedAtUnixMs: readonly number[];
  /** The fingerprint of a token that another owner reported as doubted. */
  readonly doubted?: string;
  /** The current lease, which may be ours. */
  readonly lease?: { readonly isOurs: boolean; readonly leftMs: number };
}

export interface Snapshot extends Seen {
  /** Absent if nothing is stored, or if it cannot be read with our key. */
  readonly readable?: SharedRecord;
  /** It is not read because it is in clear although a key is configured. */
  readonly isInClear?: boolean;
  /** The name of the lease's owner. */
  readonly owner?: string;
}

/** The snapshot, and the generation of our lease if it is ours now. */
export interface Acquired extends Snapshot {
  readonly generation?: number;
}

/**
 * A store that several processes share. Each call is one atomic step at the store and returns within
 * about a second; `unavailable` if the store did not respond.
 */
export interface SharedRecords {
  read(account: SharedAccount): Promise<Snapshot | StoreUnavailable>;
  /** Acquires the lease for `leaseMs` unless another owner has it. The generation exceeds `floor` and what is stored. */
  acquire(
    account: SharedAccount,
    owner: string,
    floor: number,
    leaseMs: number,
  ): Promise<Acquired | StoreUnavailable>;
  /** Renews our lease for `leaseMs` from now. */
  renew(account: SharedAccount, owner: string, leaseMs: number): Promise<'ours' | 'lost' | 'unavailable'>;
  release(account: SharedAccount, owner: string): Promise<void>;
  /** Stores a record and notifies the others, unless one of this or a later generation is stored. */
  publish(
    account: SharedAccount,
    record: SharedRecord,
    pause?: Pause,
  ): Promise<'stored' | 'older' | 'unavailable'>;
  /** Asks the other owners, for a while, to look at a token, because this one cannot. */
  doubt(account: SharedAccount, fingerprint: string): Promise<void>;
  /** Records forced refreshes; returns whether the store confirmed it. */
  addForced(account: SharedAccount, atUnixMs: readonly number[]): Promise<boolean>;
  listen(listener: RecordsListener): void;
  close(): Promise<void>;
}

/** Sent with a token that is published again after the store lost it: for a while nobody, including us, gets a lease. */
export interface Pause {
  readonly owner: string;
  readonly forMs: number;
}

export interface RecordsListener {
  /** Another owner has published a record. Some such messages are lost. */
  changed(account: SharedAccount): void;
  /** The store has connected or reconnected. */
  connected(): void;
  disconnected(): void;
}
