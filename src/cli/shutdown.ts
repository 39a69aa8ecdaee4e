import { request } from 'node:http';
import type { HostPort } from '../settings/types.ts';
import { transportWords } from '../upstream/transport-words.ts';

export type PostOutcome =
  { readonly kind: 'answer'; readonly status: number } | { readonly kind: 'failed'; readonly reason: string };

/** POST http://host:port{path} without a body. */
export type Post = (to: HostPort, path: string) => Promise<PostOutcome>;

const TIMEOUT_MS = 5_000;

/**
 * Asks the process behind the local admin port to finish its calls and stop. Resolves when the process agrees, not when
 * it has exited.
 */
export async function shutdown(
  adminListen: HostPort,
  post: Post = postOverHttp,
): Promise<{ exitCode: 0 | 1; text: string }> {
  const to = { host: reachable(adminListen.host), port: adminListen.port };
  const where = `${to.host}:${to.port}`;
  const outcome = await post(to, '/quitquitquit');
  if (outcome.kind === 'failed') {
    const words = transportWords(outcome.reason);
    return { exitCode: 1, text: `No sidecar can be stopped at ${where} (adminListen): ${words}.` };
  }
  if (outcome.status >= 200 && outcome.status < 300) {
    return {
      exitCode: 0,
      text: `The sidecar at ${where} agreed to stop: it finishes the calls in flight, and is then gone.`,
    };
  }
  const text = `The server at ${where} (adminListen) refuses to stop, with HTTP ${outcome.status}: check that this is the admin port of a sidecar on this machine.`;
  return { exitCode: 1, text };
}

/** The address to connect to, if the listen address means every address. */
export function reachable(host: string): string {
  return ['0.0.0.0', '::', 'localhost'].includes(host) ? '127.0.0.1' : host;
}

function postOverHttp({ host, port }: HostPort, path: string): Promise<PostOutcome> {
  return new Promise((resolve) => {
    const call = request({
      host,
      port,
      path,
      method: 'POST',
      // The admin port serves this path only for loopback host names.
      headers: { host: `localhost:${port}`, 'content-length': 0 },
      timeout: TIMEOUT_MS,
      agent: false,
    });
    call.on('response', (response) => {
      response.resume();
      resolve({ kind: 'answer', status: response.statusCode ?? 0 });
    });
    call.on('timeout', () => {
      resolve({ kind: 'failed', reason: 'timeout' });
      call.destroy();
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ kind: 'failed', reason: error.code ?? 'unknown' });
    });
    call.end();
  });
}
