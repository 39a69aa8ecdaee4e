import type { DenialReason } from '../token/lease.ts';
import type { StoreEvent } from './store-view.ts';

/** Why no token is fetched, and what to do. */
export const DENIED: Readonly<Record<DenialReason, string>> = {
  unavailable:
    'The token store cannot be reached, and without it two hubs might invalidate each other’s classic tokens. ' +
    'The current token is served until it expires; check that Redis is up and reachable from here.',
  undecryptable:
    'The stored token is not encrypted with the key of this hub, so another hub still uses it. Give all hubs the ' +
    'same store.encryptionKeyFile, or delete the key of this account in Redis that ends in :token.',
  forced_unknown:
    'The token store has been unreachable since the start, so it is unknown how many forced refreshes ' +
    'are left; check that Redis is up and reachable from here.',
  forced_unrecorded:
    'The token store grants the lease but does not record forced refreshes, so other hubs would not count them; ' +
    'check that the user of Redis has the rights of docs/hub.md, +zadd and +zremrangebyscore among them.',
};

/** The log events. */
export const STORE_EVENTS: Readonly<Record<StoreEvent, string>> = {
  forgotten: 'token store has forgotten a token; publishing it again',
  undecryptable:
    'stored token cannot be decrypted: give all hubs the same store.encryptionKeyFile; not overwriting it while it lives',
  in_clear:
    'stored token is in clear and is not read, since store.encryptionKeyFile is set: give all hubs the same key file; ' +
    'if they have it, find out who else writes to Redis, and delete the key of this account that ends in :token',
};
