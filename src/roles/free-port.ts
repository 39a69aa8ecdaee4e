import { ListenError } from '../server/listen-error.ts';
import type { HostPort } from '../settings/types.ts';

/** Starts where it is asked to, or on a free port where another program holds that one. */
export async function orOnFreePort<T>(listen: HostPort, start: (listen: HostPort) => Promise<T>): Promise<T> {
  try {
    return await start(listen);
  } catch (error) {
    if (!(error instanceof ListenError) || error.code !== 'EADDRINUSE') throw error;
    return start({ ...listen, port: 0 });
  }
}
