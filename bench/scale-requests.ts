/** The requests of scale.ts. `@0-99@` in one stands for the numbers from 0 to 99, one after the other (generator.ts). */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATHS } from './bodies.ts';

export const SMALL_GET = get(PATHS.small, '');

export function manyPaths(count: number): string {
  return get(`${PATHS.many}p@0-${count - 1}@`, '');
}

export function ofAccounts(count: number): string {
  return get(PATHS.small, `X-WeChat-Appid: ${appidPattern(count)}\r\n`);
}

/** All as long as a real one. */
export function appidOf(number: number): string {
  return `wx0123456789${String(number + FIRST).slice(-6)}`;
}

const FIRST = 100_000;

function appidPattern(count: number): string {
  return `wx0123456789@${FIRST}-${FIRST + count - 1}@`;
}

export function hangingPost(bytes: number): string {
  return `POST ${PATHS.hanging} HTTP/1.1\r\nHost: api.weixin.qq.com\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;
}

export function writeRequest(folder: string, text: string): string {
  const file = join(folder, `${createHash('sha256').update(text).digest('hex').slice(0, 12)}.request`);
  writeFileSync(file, text);
  return file;
}

function get(path: string, header: string): string {
  return `GET ${path}?openid=o6_bmjrPTlm6_2sgVt7hMZOPfL2M HTTP/1.1\r\nHost: api.weixin.qq.com\r\nAccept: application/json\r\n${header}\r\n`;
}
