import { DESCRIPTORS_HINT } from '../base/descriptors.ts';

// Neither Redis nor its client puts a code beside the text of these errors. The protocol has the code as the first word.

/** The error code at the start of a Redis error message. */
const WORD = /^[A-Z]{3,20}(?=\s|$)/;
/** Before version 7, Redis prefixes the error of a command in a script with its own text. */
const WRAPPED = /(?<!\w)(READONLY|OOM|NOREPLICAS|MISCONF|MASTERDOWN|CLUSTERDOWN|LOADING|NOPERM)(?!\w)/;
const READ_ONLY = /\bread[ -]?only\b/i;
/** Matches the stack of an error from the Redis client. */
const OF_CLIENT = /[\\/](?:ioredis|@ioredis|redis-parser|redis-errors|standard-as-callback|denque)[\\/]/;

/** A code such as ECONNREFUSED or WRONGPASS; never the text, which may quote what we sent. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  const word = WORD.exec(error.message)?.[0];
  if (word !== undefined && word !== 'ERR') return word;
  if (isReadOnly(error)) return 'READONLY';
  const wrapped = WRAPPED.exec(error.message)?.[0];
  if (wrapped !== undefined) return wrapped;
  if (error.message.startsWith('Too many Cluster redirections')) return 'REDIRECTIONS';
  if (error.message.startsWith('All sentinels are unreachable')) return 'SENTINELS';
  return word ?? error.name;
}

/** The server is a replica, or a master that became one. Redis, its forks and managed services differ in wording. */
export function isReadOnly(error: unknown): boolean {
  // NOPERM errors contain the name of the command, and READONLY is a command.
  return error instanceof Error && READ_ONLY.test(error.message) && !error.message.startsWith('NOPERM');
}

export function isOfSelect(error: unknown): boolean {
  const command: unknown = error instanceof Error && 'command' in error ? error.command : undefined;
  return typeof command === 'object' && command !== null && 'name' in command && command.name === 'select';
}

/** Whether this error comes from the Redis client or a socket. */
export function isOfStore(error: unknown): boolean {
  return error instanceof Error && ('syscall' in error || OF_CLIENT.test(error.stack ?? ''));
}

export function hintOf(reason: string): string | undefined {
  switch (reason) {
    case 'WRONGPASS':
    case 'NOAUTH':
      return 'correct the user or password in the store’s URL';
    case 'NOPERM':
      return 'give the Redis user the commands, keys and channel that docs/hub.md lists';
    case 'SELECT':
      return 'the store’s URL names a database that this Redis does not have, or that the user may not select';
    case 'SENTINELS':
      return 'no Sentinel can be reached, or none knows the group that the URL names';
    case 'READONLY':
      return 'the store’s URL points to a replica: name the master, or use store.sentinels';
    case 'EMFILE':
    case 'ENFILE':
      return DESCRIPTORS_HINT;
    case 'OOM':
      return 'Redis has reached its maxmemory: give it more memory, or give the hubs their own Redis';
    case 'NOREPLICAS':
      return 'the master has fewer replicas than min-replicas-to-write requires: check the replicas';
    case 'MISCONF':
      return 'Redis refuses writes because it cannot save its snapshot: check its disk, or set save ""';
    default:
      return reason.includes('CERT') ? 'trust its certificate with NODE_EXTRA_CA_CERTS' : undefined;
  }
}
