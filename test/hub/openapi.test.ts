import test from 'ava';
import { z } from 'zod';
import { fingerprintOf } from '../../src/base/secret.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { API_ROUTES } from '../../src/hub/routes.ts';
import { ORDERS_KEY, startHubPair, type RunningHub } from '../support/hub.ts';
import type { Reply } from '../support/simulator-client.ts';

type Json = Record<string, unknown>;

interface Described {
  readonly paths: Record<string, Record<string, { responses: Record<string, { content: Json }> }>>;
  readonly components: { schemas: Record<string, Parameters<typeof z.fromJSONSchema>[0]> };
}

const APP = `/v1/apps/${DEMO_APP.appid}`;
const RELAY = {
  method: 'GET',
  path: '/sns/jscode2session',
  query: 'js_code=c&grant_type=authorization_code',
};
const KEYED = `grant_type=client_credential&appid=${DEMO_APP.appid}`;

/** Calls and the responses that they should get, by the path in the description. */
const CALLS: readonly (readonly [
  path: string,
  method: 'get' | 'post',
  status: number,
  call: (hub: RunningHub) => Promise<Reply>,
])[] = [
  ['/v1/apps', 'get', 200, (hub) => hub.call('/v1/apps')],
  ['/v1/apps', 'get', 401, (hub) => hub.call('/v1/apps', {}, null)],
  ['/v1/apps/{appid}/token', 'get', 200, (hub) => hub.call(`${APP}/token`)],
  ['/v1/apps/{appid}/token', 'get', 404, (hub) => hub.call('/v1/apps/wxnone/token')],
  [
    '/v1/apps/{appid}/token/refresh',
    'post',
    200,
    (hub) => hub.call(`${APP}/token/refresh`, { body: { fingerprint: fingerprintOf('x'), errcode: 42001 } }),
  ],
  [
    '/v1/apps/{appid}/token/refresh',
    'post',
    400,
    (hub) => hub.call(`${APP}/token/refresh`, { body: { fingerprint: 'x', errcode: 48001 } }),
  ],
  [
    '/v1/apps/{appid}/token/refresh',
    'post',
    413,
    (hub) => hub.call(`${APP}/token/refresh`, { body: 'x'.repeat(10_000) }),
  ],
  ['/v1/apps/{appid}/ticket', 'get', 200, (hub) => hub.call(`${APP}/ticket?type=wx_card`)],
  ['/v1/apps/{appid}/ticket', 'get', 400, (hub) => hub.call(`${APP}/ticket?type=x`)],
  [
    '/v1/apps/{appid}/jssdk-signature',
    'post',
    200,
    (hub) => hub.call(`${APP}/jssdk-signature`, { body: { url: 'https://shop.example/' } }),
  ],
  [
    '/v1/apps/{appid}/jssdk-signature',
    'post',
    400,
    (hub) => hub.call(`${APP}/jssdk-signature`, { body: {} }),
  ],
  ['/v1/apps/{appid}/relay', 'post', 200, (hub) => hub.call(`${APP}/relay`, { body: RELAY })],
  ['/v1/apps/{appid}/relay', 'post', 400, (hub) => hub.call(`${APP}/relay`, { body: {} })],
  ['/v1/tokens/watch', 'get', 404, (hub) => hub.call('/v1/tokens/watch?appid=wxnone')],
  ['/cgi-bin/token', 'get', 200, (hub) => hub.call(`/cgi-bin/token?${KEYED}&secret=${ORDERS_KEY}`)],
  ['/cgi-bin/token', 'get', 200, (hub) => hub.call(`/cgi-bin/token?${KEYED}&secret=wrong`)],
  [
    '/cgi-bin/token',
    'post',
    200,
    (hub) => hub.call('/cgi-bin/token', { body: `${KEYED}&secret=${ORDERS_KEY}` }),
  ],
  ['/cgi-bin/stable_token', 'post', 200, (hub) => hub.call('/cgi-bin/stable_token', { body: {} })],
  ['/cgi-bin/stable_token', 'post', 400, (hub) => hub.call('/cgi-bin/stable_token', { body: '{' })],
  ['/openapi.json', 'get', 200, (hub) => hub.call('/openapi.json')],
];

test('the description lists every route, and responses conform to it', async (t) => {
  const { hub } = await startHubPair(t);
  const description = (await hub.call('/openapi.json')).json() as unknown as Described;
  const described = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const served = API_ROUTES.map(({ method, path }) => `${method.toLowerCase()} ${path}`);
  t.deepEqual(described.toSorted(), served.map((line) => line.replace(':appid', '{appid}')).toSorted());
  t.deepEqual(
    [...new Set(CALLS.map(([path, method]) => `${method} ${path}`))].toSorted(),
    described.toSorted(),
  );

  for (const [path, method, status, call] of CALLS) {
    const answer = await call(hub);
    const what = `${method} ${path} ${status}: ${answer.body.toString().slice(0, 200)}`;
    t.is(answer.status, status, what);
    const content = description.paths[path]?.[method]?.responses[status]?.content ?? {};
    const [type = ''] = (answer.headers['content-type'] ?? '').split(';');
    const media = (content[type] ?? content['*/*']) as { schema?: { $ref: string } } | undefined;
    if (media === undefined) {
      t.fail(`${what}: ${type} is not described`);
      continue;
    }
    if (media.schema === undefined) continue;
    const name = media.schema.$ref.split('/').at(-1) ?? '';
    const schema = description.components.schemas[name];
    t.truthy(schema, name);
    const parsed = z.fromJSONSchema(schema ?? false).safeParse(answer.json());
    t.true(parsed.success, `${what}: ${parsed.error?.message}`);
  }
});

test('the watch events are described as tokens', async (t) => {
  const { hub } = await startHubPair(t);
  const description = (await hub.call('/openapi.json')).json() as unknown as Described;
  const schema = z.fromJSONSchema(description.components.schemas['Token'] ?? false);
  const token = (await hub.call(`${APP}/token`)).json();
  t.true(schema.safeParse(token).success);
  t.false(schema.safeParse({ ...token, more: 1 }).success);
  t.false(schema.safeParse({ ...token, fingerprint: 'x' }).success);
});
