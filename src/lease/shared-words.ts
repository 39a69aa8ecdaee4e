import type { Decision } from './decide.ts';

/** Why nobody asks the platform, and what to do. */
export const WITHHELD: Readonly<Record<Extract<Decision, { kind: 'withhold' }>['why'], string>> = {
  away:
    'The token store cannot be reached, and without it two hubs might end each other’s classic tokens. ' +
    'The current token is served to its end; see that Redis is up and can be reached from here.',
  sealed:
    'The stored token is not encrypted with the key of this hub, so another hub still uses it. Give all hubs the ' +
    'same store.encryptionKeyFile, or delete the key of this account in Redis that ends in :token.',
  ledger:
    'The token store has not been reached since the start, so it is not known how many forced refreshes ' +
    'are left; see that Redis is up and can be reached from here.',
};

/** Events of the log. */
export const SEALED =
  'stored token cannot be decrypted: give all hubs the same store.encryptionKeyFile; not overwriting it while it lives';
export const STORED_IN_CLEAR =
  'stored token is in clear and is not read, since store.encryptionKeyFile is set: give all hubs the same key file; ' +
  'if they have it, find out who else writes to Redis, and delete the key of this account that ends in :token';
