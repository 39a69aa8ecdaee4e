import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Teardown } from './simulator.ts';

/** How a forwarder on the way may spoil an answer: its bytes, and the headers beside them. */
export type Dress = (text: string) => {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
};

const dressOf = (bytes: (text: string) => Buffer, headers: Record<string, string> = {}): Dress => {
  return (text) => ({ bytes: bytes(text), headers });
};
const coded = (coding: string, encode: (text: string) => Buffer): Dress =>
  dressOf(encode, { 'content-encoding': coding });

/** What has been seen of forwarders in PHP, .NET, C and Java, and of gateways that code or only say so. */
export const DRESSES: Readonly<Record<string, Dress>> = {
  'as it is': dressOf(Buffer.from),
  'behind a byte order mark': dressOf((text) => Buffer.from(`\ufeff${text}`)),
  'behind two byte order marks and a line': dressOf((text) => Buffer.from(`\ufeff\ufeff\r\n${text}`)),
  'with NULs behind': dressOf((text) => Buffer.from(`${text}\0\0\0`)),
  'with control characters around and in it': dressOf((text) =>
    Buffer.from(`\u0001\u001f${text.replace('{', '{"note":"a\u0002\tb\u001f",')}\u000e`),
  ),
  'with bytes that are no UTF-8': dressOf((text) =>
    Buffer.from(text.replace('{', '{"note":"\u00ff\u00c3(\u00e4\u00bd",'), 'latin1'),
  ),
  'in little-endian UTF-16': dressOf((text) => Buffer.from(`\ufeff${text}`, 'utf16le')),
  'in big-endian UTF-16': dressOf((text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()),
  'as a page by its type': dressOf(Buffer.from, { 'content-type': 'text/html; charset=gbk' }),
  'under the coding utf-8': coded('utf-8', Buffer.from),
  'under the coding none': coded('none', Buffer.from),
  'under the coding identity': coded('identity', Buffer.from),
  'under an empty coding': coded('', Buffer.from),
  'plain under the coding gzip': coded('gzip', Buffer.from),
  'plain under the coding br': coded('br', Buffer.from),
  'plain under the coding deflate': coded('deflate', Buffer.from),
  'plain under the coding zstd': coded('zstd', Buffer.from),
  'in gzip': coded('gzip', (text) => gzipSync(text)),
  'in gzip that is called utf-8 too': coded('UTF-8, GZIP', (text) => gzipSync(text)),
  'in deflate': coded('deflate', (text) => deflateSync(text)),
  'in br behind a byte order mark': coded('br', (text) => brotliCompressSync(`\ufeff${text}`)),
};

export interface DressedUpstream {
  readonly origin: string;
  readonly dead: Set<string>;
}

/**
 * A platform all of whose answers wear the same dress: tokens, trials, tickets, logins and business. A
 * token in `dead` is refused, and given out until it is replaced by force.
 */
export async function startDressedUpstream(t: Teardown, dress: Dress): Promise<DressedUpstream> {
  let tokens = 1;
  const dead = new Set<string>();
  const answerTo = (url: URL, body: string): object => {
    const token = url.searchParams.get('access_token');
    if (url.pathname === '/cgi-bin/stable_token') {
      if (body.includes('"force_refresh":true')) tokens += 1;
      return { access_token: dressedToken(tokens), expires_in: 7_200 };
    }
    if (url.pathname === '/sns/jscode2session') return { errcode: 40029, errmsg: 'invalid code' };
    if (token === null || dead.has(token)) return { errcode: 40001, errmsg: 'invalid credential' };
    if (url.pathname.endsWith('/getticket')) {
      return { errcode: 0, errmsg: 'ok', ticket: 'ticket-for-jsapi', expires_in: 7_200 };
    }
    return { errcode: 0, errmsg: 'ok' };
  };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://platform');
      const { bytes, headers } = dress(JSON.stringify(answerTo(url, body)));
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': bytes.length,
        ...headers,
      });
      response.end(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, dead };
}

export function dressedToken(number: number): string {
  return `${number}_dressed_token_0123456789abcdef`;
}
