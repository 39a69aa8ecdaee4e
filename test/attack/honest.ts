import { type Agent, request } from 'node:http';
import type { ExecutionContext } from 'ava';
import type { RoleProcess } from '../support/process.ts';

export interface HonestReply {
  readonly status: number;
  readonly text: string;
}

/** One call; without an agent on a connection of its own, as a probe makes it. */
export function call(
  url: string,
  {
    method = 'GET',
    headers = {},
    body,
    agent,
  }: { method?: string; headers?: Record<string, string>; body?: string; agent?: Agent } = {},
): Promise<HonestReply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: agent ?? false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** As the kubelet and Prometheus ask. */
export async function probe(t: ExecutionContext, { admin }: RoleProcess): Promise<void> {
  t.is((await call(`${admin}/livez`)).status, 200);
  const { status, text } = await call(`${admin}/metrics`);
  t.is(status, 200);
  t.regex(text, /wechat_sidecar_build_info/);
}
