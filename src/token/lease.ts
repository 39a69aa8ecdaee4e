import type { Secret } from '../base/secret.ts';
import type { SharedState } from './state.ts';

/**
 * Decides whether this process may ask the platform for an account's token. If the account is not shared,
 * the lease is always ours.
 */
export interface LeaseManager {
  /** Waits for the lease, or returns why the fetch is unnecessary or not allowed. */
  acquire(force: boolean): Lease | Promise<Lease>;
  /** Reads the store again: another owner may already have published a newer token. */
  reread(): Promise<void> | undefined;
  /** Asks the other owners to look at a token that was reported to us, because we cannot. */
  doubt(fingerprint: string): void;
  /** Undefined if the account is not shared. */
  status(): LeaseStatus | undefined;
  close(): void;
}

export type Lease =
  | {
      readonly kind: 'acquired';
      /** What another owner has published since, if it is later than what we fetched; undefined: nothing. */
      overtaken(fetched: Secret | undefined): Promise<SharedState | undefined>;
      /** Call this after the fetch has ended and its token is saved. */
      release(): void;
    }
  | { readonly kind: 'superseded'; readonly shared: SharedState }
  | LeaseDenied;

export interface LeaseDenied {
  readonly kind: 'denied';
  readonly reason: DenialReason;
  /** For people: the cause and what to do. */
  readonly message: string;
}

/** What we lack from the store to be allowed to fetch. */
export type DenialReason = 'unavailable' | 'undecryptable' | 'forced_unknown' | 'forced_unrecorded';

/** For `/status`. */
export interface LeaseStatus {
  /** The name of this process among the owners. */
  readonly holder: string;
  /** `undecryptable`: the stored token is not encrypted with our key. */
  readonly store: 'connected' | 'unavailable' | 'undecryptable';
  /** Who is asking the platform. `alone`: we are, without the store; `withheld`: nobody, for lack of the store. */
  readonly refreshing: 'none' | 'here' | 'elsewhere' | 'alone' | 'withheld';
  /** The owner that is asking, if it is not us. */
  readonly by?: string;
  /** The generation of the token that we serve; 0 if there is none. */
  readonly generation: number;
}

/** For a store that is not shared with other processes. */
export const localLease: LeaseManager = {
  acquire: () => ({ kind: 'acquired', overtaken: () => Promise.resolve(undefined), release() {} }),
  reread: () => undefined,
  doubt() {},
  status: () => undefined,
  close() {},
};
