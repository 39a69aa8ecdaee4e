import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { fingerprintOf } from '../../src/base/secret.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { PLAIN_CALL, startHubProxy, until } from '../support/hub-proxy.ts';
import { ask } from '../support/simulator-client.ts';
import { startSimulator, type RunningSimulator, type Teardown } from '../support/simulator.ts';
import { recordedWire, type RecordedAnswer } from './recorded.ts';

const wire = recordedWire();
const { appid, secret } = DEMO_APP;

/** Answers with what was recorded of a hub of 0.1.0, for the account and the tokens of this test. */
class OldHub {
  readonly requests: string[] = [];
  base = '';
  readonly #simulator: RunningSimulator;
  readonly #watchers = new Set<ServerResponse>();
  #token = '';

  private constructor(simulator: RunningSimulator) {
    this.#simulator = simulator;
  }

  static async start(t: Teardown, simulator: RunningSimulator): Promise<OldHub> {
    const hub = new OldHub(simulator);
    await hub.#fetch(false);
    const server = createServer((request, response) => void hub.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    hub.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return hub;
  }

  /** As 0.1.0 asked: in normal mode, and by force if the same token came back. */
  async #fetch(force: boolean): Promise<void> {
    const body = { grant_type: 'client_credential', appid, secret, force_refresh: force };
    const reply = (await ask(`${this.#simulator.origin}/cgi-bin/stable_token`, { body })).json();
    this.#token = String(reply['access_token']);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const path = (request.url ?? '').replace(appid, '{appid}');
    this.requests.push(`${request.method} ${path} ${body}`);
    const { exchanges, otherAnswers, watch } = wire;
    switch (path.split('?')[0]) {
      case '/v1/apps':
        return this.#say(response, exchanges.apps.response);
      case '/v1/tokens/watch': {
        const { status, headers, body: stream } = watch.response;
        response.writeHead(status, headers);
        response.write(this.#now(stream.slice(0, stream.indexOf('}\n\n') + 3)));
        this.#watchers.add(response.once('close', () => this.#watchers.delete(response)));
        return;
      }
      case '/v1/apps/{appid}/token/refresh': {
        const { fingerprint } = JSON.parse(body) as { fingerprint: string };
        if (fingerprint !== fingerprintOf(this.#token)) return this.#say(response, otherAnswers.notCurrent);
        const before = this.#token;
        await this.#fetch(false);
        if (this.#token === before && !(await this.#isAccepted())) await this.#fetch(true);
        if (this.#token === before) return this.#say(response, otherAnswers.accepted);
        for (const watcher of this.#watchers) watcher.write(this.#now(lastEvent(watch.response.body)));
        return this.#say(response, exchanges.report.response);
      }
      case '/v1/apps/{appid}/relay':
        return this.#say(
          response,
          body.includes('clear_quota') ? exchanges.clearQuota.response : exchanges.login.response,
        );
      case '/v1/apps/{appid}/ticket':
        return this.#say(response, exchanges.ticket.response);
      default:
        return this.#say(response, otherAnswers.unknownApp);
    }
  }

  async #isAccepted(): Promise<boolean> {
    const url = `${this.#simulator.origin}/cgi-bin/get_api_domain_ip?access_token=${this.#token}`;
    return 'ip_list' in (await ask(url)).json();
  }

  #say(response: ServerResponse, { status, headers, body }: RecordedAnswer): void {
    response.writeHead(status, headers).end(this.#now(body));
  }

  /** A recorded text with the account, the token and the times of now in it. */
  #now(text: string): string {
    const at = (offsetMs: number): string => new Date(Date.now() + offsetMs).toISOString();
    return text
      .replaceAll(wire.appid, appid)
      .replace(/"access_token":"[^"]+"/, `"access_token":"${this.#token}"`)
      .replace(/"fingerprint":"[^"]+"/, `"fingerprint":"${fingerprintOf(this.#token)}"`)
      .replace(/"issued_at":"[^"]+"/, `"issued_at":"${at(0)}"`)
      .replace(/"expires_at":"[^"]+"/, `"expires_at":"${at(7_100_000)}"`);
  }
}

function lastEvent(stream: string): string {
  return stream.slice(stream.lastIndexOf('event: token'));
}

test('a sidecar with a hub of 0.1.0 serves calls, logins and tickets', async (t) => {
  const simulator = await startSimulator(t);
  const hub = await OldHub.start(t, simulator);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  t.true('ip_list' in (await proxy.answer(PLAIN_CALL)));
  t.true(
    'session_key' in (await proxy.answer('/sns/jscode2session?js_code=abc&grant_type=authorization_code')),
  );
  t.like(await proxy.answer('/cgi-bin/ticket/getticket?type=jsapi'), { errcode: 0 });
  t.is(proxy.status().hub.watch.state, 'open');
});

test('a sidecar with a hub of 0.1.0 heals a refused token within the call, again and again', async (t) => {
  const simulator = await startSimulator(t);
  const hub = await OldHub.start(t, simulator);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  await until(() => proxy.fingerprint() !== undefined);
  for (let time = 0; time < 3; time += 1) {
    simulator.control.overwrite();
    t.true('ip_list' in (await proxy.answer(PLAIN_CALL)));
  }
  t.is(hub.requests.filter((request) => request.includes('token/refresh')).length, 3);
});

test('a sidecar with a hub of 0.1.0 holds a path for 2 s whose token the platform accepts', async (t) => {
  const simulator = await startSimulator(t);
  const hub = await OldHub.start(t, simulator);
  const proxy = await startHubProxy(t, [simulator.origin], [hub.base]);
  await until(() => proxy.fingerprint() !== undefined);
  const path = '/cgi-bin/user/info';
  simulator.control.break({ path, fault: { kind: 'errcode', errcode: 40001 } });
  const reports = (): number => hub.requests.filter((request) => request.includes('token/refresh')).length;
  t.like(await proxy.answer(`${path}?openid=o`), { errcode: 40001 });
  t.is(reports(), 1);
  t.like(await proxy.answer(`${path}?openid=o`), { errcode: 40001 });
  t.is(reports(), 1);
  t.true('ip_list' in (await proxy.answer(PLAIN_CALL)));
  // The token dies after all: another path reports it at once.
  simulator.control.overwrite();
  t.true('ip_list' in (await proxy.answer(PLAIN_CALL)));
  t.is(reports(), 2);
});
