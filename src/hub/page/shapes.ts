import type { TokenMode } from '../../token/token.ts';
import type { PastRefresh } from '../history.ts';

/** What the page shows. Times are Unix milliseconds by the hub's clock; tokens are fingerprints. */
export interface PageData {
  readonly nowMs: number;
  readonly hub: { readonly name: string; readonly version: string; readonly sinceMs: number };
  readonly accounts: readonly PageAccount[];
  readonly logins: readonly PageLoginAccount[];
  readonly sidecars: { readonly total: number; readonly rows: readonly SidecarRow[] };
}

/** An account that is only used for login: it has no token. */
export interface PageLoginAccount {
  readonly appid: string;
  readonly name: string;
}

export interface PageAccount {
  readonly appid: string;
  readonly name: string;
  readonly mode: TokenMode;
  /** Whether the viewer sees the refresh button. */
  readonly mayRefresh: boolean;
  readonly state: 'good' | 'renewing' | 'failing' | 'none';
  readonly fingerprint?: string;
  readonly issuedMs?: number;
  readonly expiresMs?: number;
  readonly nextMs?: number;
  readonly failure?: PageFailure;
  readonly refreshes: readonly PastRefresh[];
  readonly fetches: { readonly used: number; readonly max: number };
  /** Only in mode stable. */
  readonly forced?: { readonly used: number; readonly max: number };
  /** If several hubs hold the account: which of them fetches, and what is wrong with their store. */
  readonly shared?: {
    readonly by: 'here' | 'elsewhere';
    readonly name?: string;
    readonly trouble?: 'unavailable' | 'undecryptable' | 'alone' | 'withheld';
  };
}

export interface PageFailure {
  readonly words: string;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly times: number;
  readonly over: boolean;
  readonly rid?: string;
}

export interface SidecarRow {
  readonly caller: string;
  readonly kind: 'client' | 'service account';
  readonly address: string;
  readonly pod?: string;
  readonly streams: number;
  readonly sinceMs: number;
}
