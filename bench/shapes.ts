/** The calls that are measured. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { standInFor } from '../src/wechat/stand-in.ts';
import { PATHS } from './bodies.ts';

export const APPID = 'wx0123456789abcdef';

export interface Shape {
  readonly name: string;
  readonly title: string;
  /** One; of two, the second every 20th time; more in turn. */
  readonly requests: readonly string[];
  readonly connections: number;
}

const JSON_TYPE = 'Content-Type: application/json; charset=utf-8';
const OPENID = 'openid=o6_bmjrPTlm6_2sgVt7hMZOPfL2M&lang=zh_CN';
const POST_BODY = JSON.stringify({ touser: 'o6_bmjrPTlm6_2sgVt7hMZOPfL2M', msgtype: 'text', pad: '' });
const BODY = bodyOf(300);

const GET = request('GET', `${PATHS.small}?${OPENID}`);

/** Under full load. */
export const SHAPES: readonly Shape[] = [
  { name: 'get', title: 'GET', requests: [GET], connections: 32 },
  { name: 'post', title: 'POST 300 B', requests: [post(lengthFramed(BODY))], connections: 32 },
  {
    name: 'json4k',
    title: '4 KiB',
    requests: [request('GET', `${PATHS.json4k}?${OPENID}`)],
    connections: 32,
  },
  {
    name: 'binary',
    title: '200 KiB',
    requests: [request('GET', `${PATHS.binary}?media_id=MEDIA_ID_0123456789`)],
    connections: 32,
  },
  {
    name: 'standin',
    title: 'stand-in',
    requests: [request('GET', `${PATHS.small}?${OPENID}&access_token=${standInFor(APPID)}`)],
    connections: 32,
  },
  {
    name: 'varied',
    title: 'all lengths',
    requests: Array.from({ length: 24 }, (_, at) =>
      post(lengthFramed(bodyOf(100 + 37 * at)), `${PATHS.varied}?note=${'n'.repeat(5 * at)}`),
    ),
    connections: 32,
  },
  {
    name: 'chunked',
    title: '1/20 chunked',
    requests: [post(lengthFramed(BODY)), post(chunked(BODY))],
    connections: 50,
  },
];

/** At a constant rate. */
export const STEADY: Shape = { name: 'steady', title: 'at 500/s', requests: [GET], connections: 64 };
export const STEADY_RATE = 500;

/** The first call after the token died. */
export const DIED = {
  name: 'died',
  title: 'token died',
  request: request('GET', `${PATHS.checked}?next_openid=`),
};

/** Calls at the constant rate that go to the platform itself. */
export const DIRECT = 'direct';

/** Over a long distance. */
export const FAR = 'far';

export const SHAPE_NAMES: readonly string[] = [
  ...SHAPES.map(({ name }) => name),
  STEADY.name,
  DIED.name,
  FAR,
];

/** The shape whose calls show that a system serves. */
export const FIRST_CALL = Buffer.from(GET);

/** Load generators read requests from files. */
export function writeRequests(folder: string, shape: Shape): string[] {
  return shape.requests.map((text, at) => {
    const file = join(folder, `${shape.name}-${at}.request`);
    writeFileSync(file, text);
    return file;
  });
}

function bodyOf(bytes: number): string {
  return POST_BODY.replace('"pad":""', `"pad":"${'z'.repeat(bytes - POST_BODY.length)}"`);
}

function post(framing: string, target = `${PATHS.send}?debug=0`): string {
  return request('POST', target, framing);
}

/** What a common Java SDK sends. */
function request(method: string, target: string, bodyWithItsFields = '\r\n'): string {
  const fields = [
    'Host: api.weixin.qq.com',
    'User-Agent: Apache-HttpClient/4.5.13 (Java/17.0.2)',
    'Accept: application/json',
    'Accept-Encoding: gzip,deflate',
  ];
  return `${[`${method} ${target} HTTP/1.1`, ...fields].join('\r\n')}\r\n${bodyWithItsFields}`;
}

function lengthFramed(body: string): string {
  return `${JSON_TYPE}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function chunked(body: string): string {
  const parts = [body.slice(0, 100), body.slice(100)];
  const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
  return `${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
}
