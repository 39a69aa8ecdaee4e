import { type IncomingMessage, request as httpRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { makeAsk } from '../../src/upstream/ask.ts';
import { Authorities } from '../../src/upstream/authorities.ts';
import { Origins } from '../../src/upstream/origins.ts';
import { Pools } from '../../src/upstream/pools.ts';
import type { Ask } from '../../src/wechat/ask.ts';
import { BODY, type Right, type Row, type Way } from '../upstream/odd-row.ts';
import { REPORTS_KEY, startTestHub } from './hub.ts';
import { type OddUpstream, startOddUpstream } from './odd-upstream.ts';
import { startTestProxy } from './proxy.ts';
import { ask } from './simulator-client.ts';
import type { Teardown } from './simulator.ts';
import { TurnedClock } from './turned-clock.ts';

/** Of the settings, for the head and for each piece of the body. */
const TIMEOUT_MS = 60_000;
const FOREIGN = 'access_token=99_foreign-token-of-another-account-0123456789';

/** Every value that a byte can have. */
const BYTES: Buffer = Buffer.from(Array.from({ length: 300 }, (_, index) => index % 256));

export interface Received {
  readonly right: Right | 'nothing';
  readonly errcode?: number;
}

/** Makes one call whose target holds `row=NAME`. */
type Call = (name: string, method: string, request?: Row['request']) => Promise<Received>;

export interface Lane {
  readonly way: Way;
  readonly method: 'GET' | 'POST';
  readonly reused: boolean;
  /** What is wrong with how this row goes here; rows are taken one after the other. */
  run(row: Row): Promise<string[]>;
}

/** A composition of its own for one way, one method, and new or used connections: its pool holds one connection at most. */
export async function startLane(
  t: Teardown,
  way: Way,
  method: 'GET' | 'POST',
  reused: boolean,
): Promise<Lane> {
  const upstream = await startOddUpstream(t);
  const clock = new TurnedClock();
  const call = await callOf(t, way, upstream.origin, clock);
  const lane = { way, method, reused, upstream, call, clock };
  let turn: Promise<unknown> = Promise.resolve();
  return {
    way,
    method,
    reused,
    run(row) {
      const faults = turn.then(() => faultsOf(lane, row));
      turn = faults.catch(() => {});
      return faults;
    },
  };
}

interface LaneParts {
  readonly way: Way;
  readonly method: 'GET' | 'POST';
  readonly reused: boolean;
  readonly upstream: OddUpstream;
  readonly call: Call;
  readonly clock: TurnedClock;
}

async function faultsOf(
  { way, method, reused, upstream, call, clock }: LaneParts,
  row: Row,
): Promise<string[]> {
  const isOwn = way === 'relay' || way === 'ask';
  const only = row.request;
  if (only !== undefined && (isOwn || (only === 'HEAD') === (method === 'POST'))) return [];
  const differs =
    way === 'passing' ? row.passing : way === 'ask' ? (row.ask ?? row.own) : isOwn ? row.own : undefined;
  const right = differs?.right ?? row.right;
  const after = differs?.after ?? row.after;

  upstream.plays(row.sends, only === 'upload');
  if (reused) await call('warm', method);
  const calling = call('odd', only === 'HEAD' ? 'HEAD' : method, only);
  if (row.isLate === true) {
    while (upstream.arrived.length === 0) await pause(5);
    await pause(150);
    clock.turn(TIMEOUT_MS);
  }
  const got = await calling;
  const faults = differences(right, got);
  const { arrived } = upstream;
  const isSentAgain = reused && method === 'GET' && !isOwn && row.diesUnheard === true;
  const isAskedAgain = reused && method === 'GET' && isOwn && row.diesUnheard === true;
  const times = isSentAgain || isAskedAgain ? 2 : 1;
  if (arrived.length !== times) faults.push(`sent ${arrived.length} times`);
  const [first, last] = [arrived[0], arrived.at(-1)];
  if (first?.reused !== reused) faults.push(`a ${reused ? 'new' : 'used'} connection`);
  if (method === 'POST' && only !== 'upload' && last?.body.equals(BYTES) === false && way !== 'ask') {
    faults.push('another body arrived');
  }
  if (last === undefined) return faults;
  const { connection } = last;
  if (after === 'closed' && !connection.destroyed) {
    await Promise.race([new Promise((resolve) => connection.once('close', resolve)), pause(10_000)]);
    if (!connection.destroyed) faults.push('the connection was not closed');
  }
  const good = await call('ok', method);
  faults.push(...differences({ status: 200, body: BODY }, good).map((fault) => `the next call: ${fault}`));
  const isKept = upstream.okConnection() === connection;
  if (isKept !== (after === 'kept'))
    faults.push(isKept ? 'the connection was kept' : 'the connection was not kept');
  return faults;
}

function differences(right: Right, { right: got, errcode }: Received): string[] {
  const faults: string[] = [];
  if (typeof right === 'string' || typeof got === 'string') {
    if (right !== got) faults.push(`${textOf(right)} expected, but got ${textOf(got)}`);
    if (typeof right === 'string' && right !== 'cut' && errcode !== -2 && errcode !== undefined) {
      faults.push(`errcode ${errcode}`);
    }
    return faults;
  }
  for (const part of ['status', 'body'] as const) {
    if (right[part] !== got[part])
      faults.push(`${part} ${textOf(right[part])} expected, but got ${textOf(got[part])}`);
  }
  if (right.reason !== undefined && got.reason !== undefined && right.reason !== got.reason) {
    faults.push(`reason ${got.reason}`);
  }
  for (const part of ['headers', 'trailers'] as const) {
    if (right[part] === undefined || got[part] === undefined) continue;
    const names = new Set(right[part].filter((_, at) => at % 2 === 0));
    const found = got[part].filter((_, at) => names.has(got[part]?.[at - (at % 2)] as string));
    if (textOf(found) !== textOf(right[part])) faults.push(`${part} ${textOf(found)}`);
  }
  return faults;
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length})` : text;
}

async function callOf(t: Teardown, way: Way, origin: string, clock: Clock): Promise<Call> {
  if (way === 'ask') return askCall(makeTestAsk(t, origin, clock));
  if (way === 'relay') {
    const hub = await startTestHub(t, [origin], { clock });
    return relayCall(hub.base);
  }
  const { port } = await startTestProxy(t, [origin], {}, clock);
  const more = way === 'passing' ? `&${FOREIGN}` : '';
  return (name, method, request) => proxyCall(port, `/wxa/x?row=${name}${more}`, method, request);
}

function makeTestAsk(t: Teardown, origin: string, clock: Clock): Ask {
  const pools = new Pools({
    connectTimeoutMs: 1_200,
    answerTimeoutMs: TIMEOUT_MS,
    idleTimeoutMs: TIMEOUT_MS,
    resolve: 'system',
    authorities: new Authorities(undefined),
    clock,
  });
  t.teardown(() => pools.close());
  const origins = new Origins([origin], clock);
  return makeAsk({ origins, pools, log: silentLog, onFailover() {} }, clock);
}

function askCall(make: Ask): Call {
  return async (name, method) => {
    const outcome = await make({
      method: method === 'POST' ? 'POST' : 'GET',
      path: `/wxa/x?row=${name}`,
      ...(method === 'POST' && { body: '{"a":1}' }),
      timeoutMs: TIMEOUT_MS,
    });
    if (outcome.kind === 'answer')
      return { right: { status: outcome.status, body: outcome.body.toString('latin1') } };
    return { right: /timeout|ETIMEDOUT/.test(outcome.reason) ? 'upstream_timeout' : 'upstream_broken' };
  };
}

function relayCall(base: string): Call {
  return async (name, method) => {
    const reply = await ask(`${base}/v1/apps/${DEMO_APP.appid}/relay`, {
      headers: { authorization: `Bearer ${REPORTS_KEY}` },
      body: {
        method,
        path: '/sns/jscode2session',
        query: `js_code=${name}`,
        ...(method === 'POST' && {
          body: BYTES.toString('base64'),
          content_type: 'application/octet-stream',
        }),
      },
    });
    if (reply.headers['x-wechat-sidecar-relay'] === '1') {
      return { right: { status: reply.status, body: reply.body.toString('latin1') } };
    }
    const { type } = reply.json();
    const reason = String(type).split(':').at(-1);
    return { right: reason === 'upstream_timeout' || reason === 'upstream_broken' ? reason : 'nothing' };
  };
}

/** A call of a business program, over a connection of its own. */
function proxyCall(port: number, path: string, method: string, how: Row['request']): Promise<Received> {
  return new Promise((resolve) => {
    const isUpload = how === 'upload' && path.includes('row=odd');
    const headers: Record<string, string | number> = {};
    if (method === 'POST') headers['content-length'] = isUpload ? 1_000_000 : BYTES.length;
    if (how === 'expect') headers['expect'] = '100-continue';
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path,
      method,
      headers,
      agent: false,
      maxHeaderSize: 200_000,
    });
    request.maxHeadersCount = 0;
    request.on('response', (response) => {
      void receivedOf(response).then((received) => {
        request.destroy();
        resolve(received);
      });
    });
    // A response that breaks off at once may take its head with it.
    request.on('error', () => resolve({ right: 'cut' }));
    if (how === 'expect') request.once('continue', () => request.end(BYTES));
    else if (isUpload) request.write(Buffer.alloc(100_000, 'u'));
    else request.end(method === 'POST' ? BYTES : undefined);
  });
}

function receivedOf(response: IncomingMessage): Promise<Received> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', () => {});
    response.on('close', () => {
      const { statusCode = 0, statusMessage = '', rawHeaders, rawTrailers, headers } = response;
      const body = Buffer.concat(chunks).toString('latin1');
      const error = headers['x-wechat-sidecar-error'];
      if (!response.complete) resolve({ right: 'cut' });
      else if (error === 'upstream_broken' || error === 'upstream_timeout') {
        const errcode = body === '' ? undefined : (JSON.parse(body) as { errcode: number }).errcode;
        resolve({ right: error, ...(errcode !== undefined && { errcode }) });
      } else if (error !== undefined) resolve({ right: 'nothing' });
      else {
        const right = {
          status: statusCode,
          body,
          reason: statusMessage,
          headers: rawHeaders,
          trailers: rawTrailers,
        };
        resolve({ right });
      }
    });
  });
}
