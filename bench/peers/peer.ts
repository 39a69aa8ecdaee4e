/** Shared by the peers on Node: where they listen and forward to, and the token they add. */
export const port = Number(process.env['PORT']);
export const target = process.env['TARGET'] ?? '';
export const CONNECTIONS_MAX = 256;
export const KEEP_ALIVE_MS = 3_600_000;

const token = process.env['TOKEN'] ?? '';

export function withToken(url = '/'): string {
  return `${url}${url.includes('?') ? '&' : '?'}access_token=${token}`;
}
