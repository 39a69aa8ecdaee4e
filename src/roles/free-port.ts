import { ListenError } from '../server/listen-error.ts';
import type { HostPort } from '../settings/types.ts';

/** Starts at the given address, or on a free port if another program uses that one. */
export async function orOnFreePort<T>(listen: HostPort, start: (listen: HostPort) => Promise<T>): Promise<T> {
  try {
    return await start(listen);
  } catch (error) {
    if (!(error instanceof ListenError) || error.code !== 'EADDRINUSE') throw error;
    return start({ ...listen, port: 0 });
  }
}
