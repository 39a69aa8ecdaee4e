import type { Shared } from './state.ts';

/**
 * Who may ask the platform for an account's token: between the state machine's wish for a fetch and the
 * issuer. If nobody shares the account, the lease is always ours.
 */
export interface LeaseManager {
  /** Waits for the lease, or says what makes the fetch superfluous or forbids it. */
  acquire(force: boolean): Lease | Promise<Lease>;
  /** Reads the store once more: another owner may have published what we are about to look for. */
  reread(): Promise<void> | undefined;
  /** Tells the other owners of a token that was reported to us and that we cannot look into. */
  doubt(fingerprint: string): void;
  /** Undefined if the account is not shared. */
  status(): LeaseStatus | undefined;
  close(): void;
}

export type Lease =
  | {
      readonly kind: 'acquired';
      /** What another owner has published since, if that is later than what we fetched. */
      overtaken(): Shared | undefined;
      /** To be called when the fetch is over and its token saved. */
      release(): void;
    }
  | { readonly kind: 'superseded'; readonly shared: Shared }
  | { readonly kind: 'denied'; readonly message: string };

/** For `/status`. */
export interface LeaseStatus {
  /** Our own name among the owners. */
  readonly holder: string;
  /** `undecryptable`: what is stored is not encrypted with our key. */
  readonly store: 'connected' | 'unavailable' | 'undecryptable';
  /** Who asks the platform at this moment: `alone` is without the store, `withheld` is nobody for want of it. */
  readonly refreshing: 'none' | 'here' | 'elsewhere' | 'alone' | 'withheld';
  /** The owner that asks, if it is not us. */
  readonly by?: string;
  /** The order of the token that we serve; 0 if there is none. */
  readonly generation: number;
}

/** For a store that this process has to itself. */
export const localLease: LeaseManager = {
  acquire: () => ({ kind: 'acquired', overtaken: () => undefined, release() {} }),
  reread: () => undefined,
  doubt() {},
  status: () => undefined,
  close() {},
};
