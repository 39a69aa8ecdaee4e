import { readAtMost } from '../base/bounded-bytes.ts';
import { within } from '../base/wait.ts';
import { parseJson } from '../base/json.ts';
import { readFile } from 'node:fs/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../base/clock.ts';

/**
 * The few Kubernetes API calls that we need: one object at a time, by its path. The official client
 * supports every kind of object, of which we use three; the rest is HTTPS and JSON.
 */
export interface KubernetesApi {
  call(request: ApiRequest): Promise<ApiOutcome>;
  /** Watches a path with `?watch=1` until the server ends it or `close` is called. */
  watch(path: string, onEvent: (event: WatchEvent) => void): Watch;
  /**
   * How far our clock is ahead of the server's according to its last response, to within seconds; undefined
   * before the first one.
   */
  aheadMs(): number | undefined;
  close(): void;
}

/** How a pod reaches the API server. The service account files are at the same paths in every pod. */
export interface KubernetesAccess {
  /** An https origin. */
  readonly server: string;
  /** The bearer token; read for every call, because the kubelet renews it. */
  readonly tokenFile: string;
  /** PEM; also read for every call. */
  readonly caFile: string;
}

/** Where Kubernetes mounts the files of the pod's own service account. */
export const IN_CLUSTER_FILES: Pick<KubernetesAccess, 'tokenFile' | 'caFile'> = {
  tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
  caFile: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
};

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** Starts with `/api`; includes the query. */
  readonly path: string;
  readonly body?: unknown;
  /** For PATCH: `application/json-patch+json` or `application/merge-patch+json`. */
  readonly contentType?: string;
  readonly timeoutMs?: number;
}

export type ApiOutcome =
  | { readonly kind: 'ok'; readonly body: unknown }
  /** The server's own `Status`; reason is one word such as Conflict or NotFound. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly reason: string;
      readonly message: string;
    }
  /** There was no response, or an unreadable one; `reason` is a code such as ECONNREFUSED or timeout. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface WatchEvent {
  /** ADDED, MODIFIED, DELETED, BOOKMARK, ERROR. */
  readonly type: string;
  readonly object: unknown;
}

export interface Watch {
  /** Never rejects. Resolves with the reason why the watch ended, for the log. */
  readonly ended: Promise<string>;
  close(): void;
}

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Enough for both token review lanes. */
const CONNECTIONS_MAX = 32;

export function makeKubernetesApi(access: KubernetesAccess, clock: Clock): KubernetesApi {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  let aheadMs: number | undefined;
  const send = async (asked: ApiRequest): Promise<ClientRequest> => {
    const [token, ca] = await Promise.all([readFile(access.tokenFile, 'utf8'), readFile(access.caFile)]);
    const body = asked.body === undefined ? undefined : Buffer.from(JSON.stringify(asked.body));
    const request = httpsRequest(new URL(asked.path, access.server), {
      agent,
      // Part of the pool key: a different authority needs a different connection.
      ca,
      method: asked.method,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token.trim()}`,
        'user-agent': 'wechat-sidecar',
        ...(body && {
          'content-type': asked.contentType ?? 'application/json',
          'content-length': body.length,
        }),
      },
    });
    request.once('response', ({ headers }) => {
      const serverMs = Date.parse(headers.date ?? '');
      if (!Number.isNaN(serverMs)) aheadMs = clock.unixMs() - serverMs;
    });
    request.end(body);
    return request;
  };
  return {
    call: (asked) => callOnce(() => send(asked), asked.timeoutMs ?? TIMEOUT_MS, clock),
    aheadMs: () => aheadMs,
    watch: (path, onEvent) => follow(() => send({ method: 'GET', path }), onEvent),
    close: () => agent.destroy(),
  };
}

function callOnce(send: () => Promise<ClientRequest>, timeoutMs: number, clock: Clock): Promise<ApiOutcome> {
  const call = async (limit: AbortSignal): Promise<ApiOutcome> => {
    try {
      const request = await send();
      if (limit.aborted) request.destroy();
      limit.addEventListener('abort', () => request.destroy());
      const response = await headOf(request);
      const body = await readAtMost(response, ANSWER_BYTES_MAX);
      if (body !== undefined) return outcomeOf(response.statusCode ?? 0, body.toString('utf8'));
      request.destroy();
      return { kind: 'failed', reason: 'answer_too_large' };
    } catch (error) {
      return { kind: 'failed', reason: codeOf(error) };
    }
  };
  return within(clock, timeoutMs, call, () => ({ kind: 'failed', reason: 'timeout' }) as const);
}

function headOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Errors after the response headers also reach the response; without a listener here they would be
    // thrown.
    request.on('error', reject);
  });
}

function outcomeOf(status: number, text: string): ApiOutcome {
  const body = parseJson(text);
  if (status >= 200 && status < 300) {
    return body === undefined ? { kind: 'failed', reason: 'unreadable_answer' } : { kind: 'ok', body };
  }
  const { reason, message } = (typeof body === 'object' && body !== null ? body : {}) as {
    reason?: unknown;
    message?: unknown;
  };
  return {
    kind: 'refused',
    status,
    reason: typeof reason === 'string' && reason !== '' ? reason : `HTTP ${status}`,
    message: typeof message === 'string' ? message.slice(0, 500) : '',
  };
}

/** Reads one JSON object per line until the server ends the response. */
function follow(send: () => Promise<ClientRequest>, onEvent: (event: WatchEvent) => void): Watch {
  let request: ClientRequest | undefined;
  let closed = false;
  const run = async (): Promise<string> => {
    request = await send();
    if (closed) request.destroy();
    const response = await headOf(request);
    if (response.statusCode !== 200) {
      response.destroy();
      return `HTTP ${response.statusCode}`;
    }
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const lines = `${rest}${decoder.write(chunk)}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > ANSWER_BYTES_MAX) return 'answer_too_large';
      for (const line of lines) {
        const event = parseJson(line) as WatchEvent | undefined;
        if (event !== undefined && !closed) onEvent(event);
      }
    }
    return 'the server closed it';
  };
  return {
    ended: run()
      .catch(codeOf)
      .finally(() => request?.destroy()),
    close() {
      closed = true;
      request?.destroy();
    },
  };
}

/** Why a call failed, as a phrase for a log line or a check. */
export function whyNot(outcome: Exclude<ApiOutcome, { kind: 'ok' }>): string {
  if (outcome.kind === 'failed') return `the API server is unavailable (${outcome.reason})`;
  return `the API server refused the call (${outcome.status} ${outcome.reason}): ${outcome.message}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
