import type { Shared } from './state.ts';

/**
 * Whose turn it is to ask the platform for an account's token: between the machine's wish for a fetch
 * and the issuer. Where nobody shares the account it is always ours.
 */
export interface Turns {
  /** Waits for our turn, or tells what makes the fetch needless or forbids it. */
  take(force: boolean): Turn | Promise<Turn>;
  /** Reads the store once more: another holder may have published what we are about to look for. */
  look(): Promise<void> | undefined;
  /** Tells the other holders of a token that was reported to us and that we cannot look into. */
  doubt(fingerprint: string): void;
  /** Undefined where the account is not shared. */
  status(): SharedStatus | undefined;
  close(): void;
}

export type Turn =
  | {
      readonly kind: 'ours';
      /** What another holder has published since the turn began, where that is later than what we fetched. */
      overtaken(): Shared | undefined;
      /** To be called when the fetch is over and its token saved. */
      end(): void;
    }
  | { readonly kind: 'needless'; readonly shared: Shared }
  | { readonly kind: 'withheld'; readonly message: string };

/** For `/status`. */
export interface SharedStatus {
  /** Our own name among the holders. */
  readonly holder: string;
  /** `sealed`: what is stored is not encrypted with our key. */
  readonly store: 'there' | 'away' | 'sealed';
  /** Who asks the platform at this moment: `alone` is without the store, `withheld` is nobody for want of it. */
  readonly refreshing: 'none' | 'here' | 'elsewhere' | 'alone' | 'withheld';
  /** The holder that asks, where it is not us. */
  readonly by?: string;
  /** The order of the token that we serve; 0 where there is none. */
  readonly generation: number;
}

/** For a store that this process has to itself. */
export const ownTurns: Turns = {
  take: () => ({ kind: 'ours', overtaken: () => undefined, end() {} }),
  look: () => undefined,
  doubt() {},
  status: () => undefined,
  close() {},
};
