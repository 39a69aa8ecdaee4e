import type { Secret } from '../base/secret.ts';
import type { TokenMode } from '../token/token.ts';

/** What holders share: an account in one mode. */
export interface SharedAccount {
  readonly appid: string;
  readonly mode: TokenMode;
}

/**
 * Times are Unix milliseconds by the store's clock, the one clock that all holders can see. A store remembers
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

export interface Away {
  readonly kind: 'away';
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
  readonly isSealed: boolean;
  readonly forcedAtUnixMs: readonly number[];
  /** The fingerprint of a token that a holder could not look into. */
  readonly doubted?: string;
  /** Whose turn it is, ours included. */
  readonly turn?: { readonly isOurs: boolean; readonly leftMs: number };
}

export interface Snapshot extends Seen {
  /** Absent where nothing is stored, or where it cannot be read with our key. */
  readonly readable?: SharedRecord;
  /** It cannot be read because it is in clear, and we have a key. */
  readonly isInClear?: boolean;
  /** The name of the holder whose turn it is. */
  readonly by?: string;
}

/** The snapshot, and the generation of our turn where it is now ours. */
export interface Taken extends Snapshot {
  readonly generation?: number;
}

/**
 * A store that several processes share. Each call is one atomic step at the store and answers within
 * about a second; `away` where the store did not answer.
 */
export interface SharedRecords {
  read(account: SharedAccount): Promise<Snapshot | Away>;
  /** Makes it our turn for `turnMs` where it is nobody else's. The generation exceeds `floor` and what is stored. */
  take(account: SharedAccount, owner: string, floor: number, turnMs: number): Promise<Taken | Away>;
  /** Makes our turn last for `turnMs` from now. */
  keep(account: SharedAccount, owner: string, turnMs: number): Promise<'ours' | 'lost' | 'away'>;
  release(account: SharedAccount, owner: string): Promise<void>;
  /** Stores a record and tells the others, unless one of this or a later generation is stored. */
  publish(account: SharedAccount, record: SharedRecord, pause?: Pause): Promise<'stored' | 'older' | 'away'>;
  /** Tells the other holders, for a while, of a token that this one cannot look into. */
  doubt(account: SharedAccount, fingerprint: string): Promise<void>;
  /** Writes down forced refreshes; whether that is certain. */
  charge(account: SharedAccount, atUnixMs: readonly number[]): Promise<boolean>;
  listen(listener: RecordsListener): void;
  close(): Promise<void>;
}

/** With what is published again after the store forgot it: for a while nobody gets a turn, we included. */
export interface Pause {
  readonly owner: string;
  readonly forMs: number;
}

export interface RecordsListener {
  /** Another holder has published a record. Some such calls go missing. */
  changed(account: SharedAccount): void;
  /** The store is there, for the first time or again. */
  back(): void;
  away(): void;
}
