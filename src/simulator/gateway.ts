import type { IncomingMessage, ServerResponse } from 'node:http';
import { charge, mayUseSecret, plainIp } from './accounts.ts';
import { refuseApiSignature } from './endpoints/signed.ts';
import { type Answer, emptyAnswer } from './answer.ts';
import type { Arrival } from './arrivals.ts';
import { readBody } from './body.ts';
import { deliver, deliverCustom, type Delivery, reset } from './deliver.ts';
import { refuse } from './refuse.ts';
import type { Fault } from './rules.ts';
import { fingerprintOf } from '../base/secret.ts';
import { judge } from './tokens.ts';
import type { Call, Endpoint, World } from './world.ts';

/** Handles one request from its first line to the end of its response. */
export async function serve(world: World, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const target = splitTarget(req.url ?? '/');
  const arrival = world.arrivals.note(req, target.path, 'encrypted' in req.socket, world.nowMs());
  const to: Delivery = { world, req, res, arrival };
  res.once('close', () => {
    if (arrival.outcome === 'open') arrival.outcome = res.writableFinished ? 'answered' : 'left';
  });
  const rule = world.rules.take(target.path, arrival.method);
  if (rule?.early !== true) {
    if (world.knobs.refuseChunked && req.headers['transfer-encoding'] !== undefined) {
      return deliver(to, emptyAnswer(412));
    }
    const body = await readBody(req, world.knobs.keepBodyBytesMax);
    if (body === undefined) return;
    world.arrivals.took(arrival, body, req);
    const call = makeCall(world, req, target, arrival, body);
    await pause(world, target.path);
    if (res.destroyed) return;
    return act(to, call, rule?.fault);
  }
  const call = makeCall(world, req, target, arrival, { lengthBytes: 0, sha256: '' });
  await pause(world, target.path);
  return act(to, call, rule.fault);
}

async function act(to: Delivery, call: Call, fault: Fault | undefined): Promise<void> {
  switch (fault?.kind) {
    case 'silent':
      return;
    case 'reset':
      return reset(to);
    case 'empty':
      return deliver(to, emptyAnswer(200));
    case 'status':
      return deliver(to, htmlAnswer(fault.status, fault.body));
    case 'errcode': {
      const plain = to.world.endpoints.get(call.path)?.plainErrors ?? false;
      const shape = { plain, ...(fault.errmsg !== undefined && { text: fault.errmsg }) };
      return deliver(to, refuse(to.world, call, fault.errcode, shape));
    }
    case 'answer': {
      if (!fault.afterChecks) return deliverCustom(to, fault);
      const answer = decideFor(to, call);
      const refused = answer.errcode !== undefined && answer.errcode !== 0;
      return refused ? deliver(to, answer) : deliverCustom(to, fault);
    }
    default:
      return deliver(to, decideFor(to, call), fault);
  }
}

function decideFor({ world, arrival }: Delivery, call: Call): Answer {
  const answer = decide(world, call);
  if (call.account !== undefined) arrival.appid = call.account.settings.appid;
  return answer;
}

/** The gateway's checks in order: path, method, token, quota; the endpoint checks the body. */
function decide(world: World, call: Call): Answer {
  if (world.knobs.requireHttps && !call.encrypted) {
    const answer = refuse(world, call, 43003);
    return { ...answer, headers: { ...answer.headers, Connection: 'close' } };
  }
  const endpoint = world.endpoints.get(call.path);
  if (endpoint === undefined) return refuse(world, call, 40066);
  const asGet = call.method === 'HEAD' || (call.method === 'POST' && isPostForGet(world, endpoint));
  const method = asGet ? 'GET' : call.method;
  if (endpoint.method !== 'ANY' && endpoint.method !== method) {
    return refuse(world, call, endpoint.method === 'GET' ? 43001 : 43002);
  }
  if (endpoint.token === 'own') return endpoint.answer(world, call);
  return checkToken(world, call, endpoint) ?? endpoint.answer(world, call);
}

function isPostForGet(world: World, endpoint: Endpoint): boolean {
  return world.knobs.postForGet && endpoint.postToo === true;
}

/** Returns the refusal if the token, the caller's IP, the quota or a signature is wrong. */
function checkToken(world: World, call: Call, endpoint: Endpoint): Answer | undefined {
  const component = endpoint.token === 'component';
  const value =
    call.query.get('access_token') ?? (component ? call.query.get('component_access_token') : null);
  const plain = endpoint.plainErrors ?? false;
  if (value === null || value === '') return refuse(world, call, 41001, { plain });
  const token = world.tokens.get(value);
  const account = token && world.accounts.get(token.appid);
  if (token === undefined || account === undefined)
    return refuse(world, call, world.knobs.unknownToken, { plain });
  call.account = account;
  const wrongKind = token.kind === 'user' || (token.kind === 'component') !== component;
  if (wrongKind) return refuse(world, call, world.knobs.wrongKind, { plain });
  const state = judge(token, call.nowMs);
  account.counters[state === 'live' ? 'apiCalls' : 'deadTokenCalls'] += 1;
  if (state !== 'live') return refuse(world, call, state === 'aged' ? 42001 : 40001, { plain });
  if (world.knobs.ipCheck === 'all' && !mayUseSecret(account.settings, call.ip)) {
    return refuse(world, call, 61004, { text: `access clientip is not registered requestIP: ${call.ip}` });
  }
  const over = charge(account, call.path, call.nowMs);
  return over === undefined ? refuseApiSignature(world, call) : refuse(world, call, over, { plain });
}

async function pause(world: World, path: string): Promise<void> {
  const delayMs = world.rules.delayFor(path);
  if (delayMs > 0) await new Promise<void>((resolve) => world.after(delayMs, resolve));
}

interface Target {
  readonly path: string;
  readonly rawQuery: string;
}

/** The path and query of a request target, including one in absolute form. */
export function splitTarget(url: string): Target {
  const local = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const mark = local.indexOf('?');
  return mark < 0
    ? { path: local, rawQuery: '' }
    : { path: local.slice(0, mark), rawQuery: local.slice(mark + 1) };
}

function makeCall(
  world: World,
  req: IncomingMessage,
  target: Target,
  arrival: Arrival,
  body: Call['body'],
): Call {
  const query = new URLSearchParams(target.rawQuery);
  const token = query.get('access_token');
  if (token !== null && token !== '') {
    arrival.tokenFingerprint = world.tokens.get(token)?.fingerprint ?? fingerprintOf(token);
  }
  return {
    ...target,
    method: arrival.method,
    query,
    headers: req.headers,
    body,
    ip: plainIp(arrival.remoteAddress),
    encrypted: arrival.encrypted,
    nowMs: world.nowMs(),
  };
}

function htmlAnswer(status: number, body?: string): Answer {
  const page =
    body ??
    `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: { 'Content-Type': 'text/html' }, body: Buffer.from(page) };
}
