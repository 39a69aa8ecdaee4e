import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Teardown } from './simulator.ts';

/** What the platform, or a gateway before it, makes of a request. */
export interface QuotingAnswer {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Without a Content-Length. */
  readonly chunked?: boolean;
}

export interface QuotingUpstream {
  readonly origin: string;
  /** The tokens that were given out. */
  readonly tokens: string[];
  /** Answers everything but calls for tokens; `url` is the request's own, and `credential` its Authorization. */
  says: (url: string, credential: string) => QuotingAnswer;
}

/** Gives out tokens, and answers everything else as a test has it, which may quote what came. */
export async function startQuotingUpstream(t: Teardown): Promise<QuotingUpstream> {
  const upstream = {
    origin: '',
    tokens: [] as string[],
    says: (): QuotingAnswer => ({ status: 200, body: '{"errcode":0}' }),
  } as QuotingUpstream & { origin: string };
  const server = createServer((request, response) => {
    request.resume();
    const url = request.url ?? '';
    if (/^\/cgi-bin\/(?:stable_)?token/.test(url)) {
      const token = `Q${upstream.tokens.length}_quoted-token_0123456789abcdefghij`;
      upstream.tokens.push(token);
      response.end(JSON.stringify({ access_token: token, expires_in: 7_200 }));
      return;
    }
    const answer = upstream.says(url, request.headers.authorization ?? '');
    const body = Buffer.from(answer.body ?? '');
    const length = answer.chunked === true ? {} : { 'content-length': String(body.length) };
    response.writeHead(answer.status, answer.reason ?? 'Odd', { ...length, ...answer.headers });
    if (answer.chunked === true && body.length > 0) response.write(body);
    response.end(answer.chunked === true ? '' : body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  upstream.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return upstream;
}
