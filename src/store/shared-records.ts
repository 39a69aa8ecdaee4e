import type { Secret } from '../base/secret.ts';
import type { TokenMode } from '../token/token.ts';

/** What owners share: an account in one mode. */
export interface SharedAccount {
  readonly appid: string;
  readonly mode: TokenMode;
}

/**
 * Times are Unix milliseconds by the store's clock, the one clock that all owners can see. A store remembers
 * when it first gave out what another clock has dated ahead of it: that date counts from then on.
 */
export interface SharedRecord {
  /** Grows with each token; what has a lower one is older. At least the store's time when it was asked for. */
  readonly generation: number;
  readonly value: Secret;
  readonly fingerprint: string;
  readonly issuedAtUnixMs: number;
  readonly expiresAtUnixMs: number;
}

export function lifeOf({ issuedAtUnixMs, expiresAtUnixMs }: SharedRecord): number {
  return expiresAtUnixMs - issuedAtUnixMs;
}

/** The same token, dated by the store's clock as it is now. */
export function redated(record: SharedRecord, issuedAtUnixMs: number): SharedRecord {
  return { ...record, issuedAtUnixMs, expiresAtUnixMs: issuedAtUnixMs + lifeOf(record) };
}

export interface StoreUnavailable {
  readonly kind: 'unavailable';
}

export interface Seen {
  readonly kind: 'seen';
  readonly nowUnixMs: number;
  /** Absent where nothing is stored. */
  readonly record?: {
    readonly generation: number;
    readonly fingerprint: string;
    readonly expiresAtUnixMs: number;
  };
  /** The record is not encrypted with our key: with another one, or not at all. */
  readonly isUndecryptable: boolean;
  readonly forcedAtUnixMs: readonly number[];
  /** The fingerprint of a token that an owner could not look into. */
  readonly doubted?: string;
  /** The lease in force, ours included. */
  readonly lease?: { readonly isOurs: boolean; readonly leftMs: number };
}

export interface Snapshot extends Seen {
  /** Absent where nothing is stored, or where it cannot be read with our key. */
  readonly readable?: SharedRecord;
  /** It cannot be read because it is in clear, and we have a key. */
  readonly isInClear?: boolean;
  /** The name of the lease's owner. */
  readonly owner?: string;
}

/** The snapshot, and the generation of our lease if it is ours now. */
export interface Acquired extends Snapshot {
  readonly generation?: number;
}

/**
 * A store that several processes share. Each call is one atomic step at the store and answers within
 * about a second; `unavailable` if the store did not answer.
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
  /** Renews our lease: for `leaseMs` from now. */
  renew(account: SharedAccount, owner: string, leaseMs: number): Promise<'ours' | 'lost' | 'unavailable'>;
  release(account: SharedAccount, owner: string): Promise<void>;
  /** Stores a record and tells the others, unless one of this or a later generation is stored. */
  publish(
    account: SharedAccount,
    record: SharedRecord,
    pause?: Pause,
  ): Promise<'stored' | 'older' | 'unavailable'>;
  /** Tells the other owners, for a while, of a token that this one cannot look into. */
  doubt(account: SharedAccount, fingerprint: string): Promise<void>;
  /** Records forced refreshes; returns whether that is certain. */
  addForced(account: SharedAccount, atUnixMs: readonly number[]): Promise<boolean>;
  listen(listener: RecordsListener): void;
  close(): Promise<void>;
}

/** With what is published again after the store forgot it: for a while nobody gets a lease, we included. */
export interface Pause {
  readonly owner: string;
  readonly forMs: number;
}

export interface RecordsListener {
  /** Another owner has published a record. Some such calls go missing. */
  changed(account: SharedAccount): void;
  /** The store is connected, for the first time or again. */
  connected(): void;
  disconnected(): void;
}
