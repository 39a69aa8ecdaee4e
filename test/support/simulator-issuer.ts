import type { Issuer } from '../../src/wechat/issuer.ts';
import { makePlatformIssuer } from '../../src/wechat/platform-issuer.ts';

/** The platform's issuer over plain calls to a simulator. */
export function issuerOf(origin: string): Issuer {
  return makePlatformIssuer(async ({ method, path, body, timeoutMs }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(`${origin}${path}`, { method, signal, ...(body !== undefined && { body }) });
    return { kind: 'answer', status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  });
}
