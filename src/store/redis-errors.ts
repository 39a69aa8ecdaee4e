import { DESCRIPTORS_HINT } from '../base/descriptors.ts';

/** How Redis begins the text of an error. */
const WORD = /^[A-Z]{3,20}(?=\s|$)/;
/** A Redis below 7 puts the error of a command within a script behind words of its own. */
const WRAPPED = /(?<!\w)(READONLY|OOM|NOREPLICAS|MISCONF|MASTERDOWN|CLUSTERDOWN|LOADING|NOPERM)(?!\w)/;
const READ_ONLY = /\bread[ -]?only\b/i;
/** Where the stack of an error leads that the client of Redis has made. */
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

/** A replica, or a master that became one. Redis, its forks and managed services word it in many ways. */
export function isReadOnly(error: unknown): boolean {
  // A user without rights is told the name of the command, and READONLY is one.
  return error instanceof Error && READ_ONLY.test(error.message) && !error.message.startsWith('NOPERM');
}

export function isOfSelect(error: unknown): boolean {
  const command: unknown = error instanceof Error && 'command' in error ? error.command : undefined;
  return typeof command === 'object' && command !== null && 'name' in command && command.name === 'select';
}

/** Whether the client of Redis, or a socket, has made this error. */
export function isOfStore(error: unknown): boolean {
  return error instanceof Error && ('syscall' in error || OF_CLIENT.test(error.stack ?? ''));
}

/** Where an error was made, without its text. */
export function placesOf(error: unknown): readonly string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 5)
    .map((line) => line.trim());
}

export function hintOf(reason: string): string | undefined {
  switch (reason) {
    case 'WRONGPASS':
    case 'NOAUTH':
      return 'correct the user or password in the store’s URL';
    case 'NOPERM':
      return 'give the Redis user the commands, keys and channel that docs/hub.md lists';
    case 'SELECT':
      return 'the store’s URL names a database that this Redis does not have, or that the user has no right to select';
    case 'SENTINELS':
      return 'no Sentinel can be reached, or none knows the group that the URL names';
    case 'READONLY':
      return 'the store’s URL leads to a replica: name the master, or use store.sentinels';
    case 'EMFILE':
    case 'ENFILE':
      return DESCRIPTORS_HINT;
    case 'OOM':
      return 'Redis is at its maxmemory: give it more memory, or a Redis of its own to the hubs';
    case 'NOREPLICAS':
      return 'fewer replicas follow the master than min-replicas-to-write demands: see to the replicas';
    case 'MISCONF':
      return 'Redis cannot write its snapshot to disk and so refuses writes: see to its disk, or set save ""';
    default:
      return reason.includes('CERT') ? 'trust its certificate with NODE_EXTRA_CA_CERTS' : undefined;
  }
}
