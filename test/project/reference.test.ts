import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { systemClock } from '../../src/base/clock.ts';
import test, { type ExecutionContext } from 'ava';
import { makeLog, silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { statusOf } from '../../src/hub/problem.ts';
import { API_ROUTES } from '../../src/hub/routes.ts';
import { adminHandler } from '../../src/server/admin.ts';
import { withReadableTimes } from '../../src/server/status-times.ts';
import { errorResponse, REASONS } from '../../src/proxy/errors.ts';
import { startSimulator as startSimulatorRole } from '../../src/roles/simulator.ts';
import { makeMetrics, type Metrics } from '../../src/server/metrics.ts';
import { parseSettings } from '../../src/settings/parse.ts';
import { CONTROL_PAGE } from '../../src/simulator/control-page.ts';
import { diagnose } from '../../src/wechat/errcodes.ts';
import { startApiServer } from '../support/api-server.ts';
import { startTestHub } from '../support/hub.ts';
import { startHubProxy } from '../support/hub-proxy.ts';
import { startTestInjector } from '../support/injector.ts';
import { logCalls, returnedEvents } from '../support/log-events.ts';
import {
  codesIn,
  markedTable,
  readMarkdown,
  tablesBelow,
  type Table,
  withoutBlocks,
} from '../support/markdown.ts';
import { startTestProxy } from '../support/proxy.ts';
import { startSimulator } from '../support/simulator.ts';
import { readSources } from '../support/source-tree.ts';
import { PROBLEM_REASONS } from '../../src/hub-api/problem.ts';

/**
 * The lists of the documents are those of the code: what is added to one and not to the other fails here.
 * The Chinese documents have the same rows, which translations.test.ts looks after.
 */
const reference = readMarkdown('docs/reference.md');
const errors = readMarkdown('docs/errors.md');
const sources = readSources('src');
/** Of what answers calls; the simulator answers as the platform does. */
const serving = sources
  .filter(({ path }) => /^src\/(?:proxy|hub|server|injector)\//.test(path))
  .map(({ text: source }) => source);
const BUILD = { version: '1.2.3', role: 'proxy', node: 'v20' };

test('every metric is in docs/reference.md, with its labels', (t) => {
  const documented = markedTable(reference, 'metrics').rows.map(([name = '', labels = '']) => ({
    name: codesIn(name).join(),
    labels: codesIn(labels),
  }));
  t.deepEqual(byName(documented), byName(metricsOf(sources.map((source) => source.text))));
});

test('each role shows the metrics that docs/reference.md gives it, and no others', async (t) => {
  const shownBy = async (metrics: { page(): Promise<string> }): Promise<string[]> =>
    [...(await metrics.page()).matchAll(/^# HELP (wechat_sidecar_\w+)/gm)]
      .map(([, name = '']) => name)
      .toSorted();
  const documentedFor = (role: string): string[] =>
    markedTable(reference, 'metrics')
      .rows.filter(([, , roles = '']) => codesIn(roles).includes(role))
      .map(([name = '']) => codesIn(name).join())
      .toSorted();
  const { origin } = await startSimulator(t);
  const hub = await startTestHub(t, [origin]);
  const injector = await startTestInjector(t, await startApiServer(t));
  t.deepEqual(await shownBy((await startTestProxy(t, [origin])).metrics), documentedFor('proxy'));
  t.deepEqual(await shownBy(hub.metrics), documentedFor('hub'));
  t.deepEqual(await shownBy({ page: () => injector.metricsPage() }), documentedFor('injector'));
  t.deepEqual(await shownBy(await simulatorMetrics(t)), documentedFor('simulator'));
  const { metrics } = await startHubProxy(t, [origin], [hub.base]);
  t.deepEqual(
    await shownBy(metrics),
    documentedFor('proxy').filter((name) => !/^wechat_sidecar_token_(?!expires)/.test(name)),
  );
});

test('every header of ours is in docs/reference.md', (t) => {
  const used = new Set(
    serving.flatMap((source) => [...source.matchAll(/'(x-wechat-[a-z-]+)/g)].map(([, name = '']) => name)),
  );
  const tables = tablesBelow(reference, 'Headers').filter(({ head }) => head[0] === 'header');
  t.deepEqual(firstCodes(tables), [...used].toSorted());
});

test('every standard header that we set is in docs/reference.md', (t) => {
  const set = new Set(
    serving.flatMap((source) =>
      [...source.matchAll(/'([a-z]+(?:-[a-z]+)+)': |\b(vary): |\.set\('([a-z-]+)',/g)]
        .flatMap(([, quoted, bare, given]) => quoted ?? bare ?? given ?? [])
        .filter((name) => !/^(?:content-(?:type|length|encoding)|x-wechat-.*)$/.test(name)),
    ),
  );
  const tables = tablesBelow(reference, 'Headers').filter(({ head }) => head[0] === 'standard header');
  t.deepEqual(firstCodes(tables), [...set].toSorted());
});

test('every word of `token=` is in docs/reference.md and docs/healing.md', (t) => {
  const inSource = sources.flatMap(({ text: source }) =>
    [
      ...source.matchAll(
        /'token=(\w+)'|^ {2}(?:accepted|held|waiting|rationed): '(held|waiting|rationed)',$/gm,
      ),
    ].map(([, note, shown]) => note ?? shown ?? ''),
  );
  const [words] = tablesBelow(reference, 'Headers').filter(({ head }) => head[0] === '`token=`');
  t.deepEqual(firstCodes([words]), [...new Set(inSource)].toSorted());
  const healing = readFileSync('docs/healing.md', 'utf8');
  for (const word of firstCodes([words])) t.true(healing.includes(`\`token=${word}\``), word);
});

test('every reason is in docs/errors.md, with its errcode and its status', (t) => {
  const expected = REASONS.map((reason) => {
    const answer = errorResponse(reason, '', 'http');
    const isAlways = errorResponse(reason, '', 'wechat').status !== 200;
    const { errcode } = JSON.parse(answer.body.toString()) as { errcode: number };
    return `${reason} ${errcode} ${answer.status}${isAlways ? ', always' : ''}`;
  });
  const documented = markedTable(errors, 'reasons').rows.map(
    ([reason = '', errcode = '', status]) => `${codesIn(reason).join()} ${errcode.split(',')[0]} ${status}`,
  );
  t.deepEqual(documented.toSorted(), expected.toSorted());
});

test('every errcode of the token endpoints that has words of its own is in docs/errors.md', (t) => {
  const wordsOf = (errcode: number): string => {
    const { message } = diagnose({ kind: 'failure', cause: 'platform', errcode, detail: '' });
    return message.replaceAll(String(errcode), '');
  };
  const [unknown, family] = [wordsOf(99_999), wordsOf(89_500)];
  const special = Array.from({ length: 100_001 }, (_, at) => at - 1).filter(
    (errcode) => errcode !== 0 && ![unknown, family].includes(wordsOf(errcode)),
  );
  t.true(special.length > 15);
  t.deepEqual(firstCodes([markedTable(errors, 'token-errcodes')]), special.map(String).toSorted());
});

test('the messages about a hub that docs/errors.md quotes exist in the code', (t) => {
  const messages = markedTable(errors, 'hub-messages').rows.flatMap(([message = '']) => codesIn(message));
  t.true(messages.length > 5);
  const everything = sources.map(({ text: source }) => source).join('\n');
  for (const message of messages) t.true(everything.includes(message), message);
});

test('every problem of the hub is in docs/errors.md, with its status', (t) => {
  const documented = markedTable(errors, 'problems').rows.map(
    ([reason = '', status]) => `${codesIn(reason).join()} ${status}`,
  );
  const expected = PROBLEM_REASONS.map((reason) => `${reason} ${statusOf(reason)}`);
  t.deepEqual(documented.toSorted(), expected.toSorted());
});

test('every call of the admin port is in docs/reference.md', async (t) => {
  const page = await adminPage(t);
  const served = [...page.matchAll(/^ {2}((?:GET|POST) \/\w+) /gm)].map(([, call = '']) => call);
  t.true(served.length > 5);
  t.deepEqual(firstCodes(callTables('Admin port')), served.toSorted());
});

test("every call of the hub's API is in docs/reference.md, with the right that it needs", (t) => {
  const documented = callTables('Hub API').flatMap(({ rows }) =>
    rows.map(([call = '', right = '']) => `${codesIn(call).join()} ${codesIn(right)[0] ?? right}`),
  );
  const served = API_ROUTES.map(({ method, path, right }) => `${method} ${path} ${right}`);
  t.deepEqual(documented.toSorted(), served.toSorted());
});

test('every control call of the simulator is in docs/reference.md', (t) => {
  const served = [...CONTROL_PAGE.matchAll(/^(GET|POST) +(\/__sim\/\w+)/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  t.true(served.length > 15);
  t.deepEqual(firstCodes(callTables('Simulator control')), ['GET /__sim/', ...served].toSorted());
});

test('every member that /status shows of an account is in docs/reference.md', (t) => {
  const [, body = ''] =
    /export interface AccountStatus \{([^]*?)^\}/m.exec(
      sources.find(({ text: source }) => source.includes('interface AccountStatus {'))?.text ?? '',
    ) ?? [];
  const kept = [...body.matchAll(/^ {2}readonly (\w+)/gm)].map(([, name = '']) => name);
  const members = Object.keys(
    withReadableTimes(Object.fromEntries(kept.map((name) => [name, 0])), 0) as object,
  );
  t.true(members.length > 10);
  t.deepEqual(firstCodes([markedTable(reference, 'status-account')]), members.toSorted());
});

test('every log event is in docs/reference.md, and no other', (t) => {
  const calls = logCalls(sources);
  // Whoever passes an event on has it from a call that is found elsewhere.
  const passing = calls.filter(({ events }) => events.length === 0).map(({ written }) => written.trim());
  t.deepEqual([...new Set(passing)].toSorted(), ['event', 'warning.event']);
  const written = new Set([...calls.flatMap(({ events }) => events), ...returnedEvents(sources)]);
  t.true(written.size > 50);
  const documented = new Set(firstCodes(tablesBelow(reference, 'Log events')));
  t.deepEqual(
    {
      undocumented: [...written].filter((event) => !documented.has(event)),
      neverWritten: [...documented].filter((event) => !written.has(event)),
    },
    { undocumented: [], neverWritten: [] },
  );
});

test('every log event that a document quotes exists', (t) => {
  const written = new Set(firstCodes(tablesBelow(reference, 'Log events')));
  let found = 0;
  for (const path of ['docs/hub.md', 'docs/healing.md', 'docs/errors.md', 'README.md']) {
    const quoted = codesIn(withoutBlocks(readFileSync(path, 'utf8'))).filter((code) =>
      /^(?:token|a call|stored token) [a-z ]+$/.test(code),
    );
    for (const event of quoted) t.true(written.has(event), `${path} quotes "${event}"`);
    found += quoted.length;
  }
  t.true(found > 5);
});

async function simulatorMetrics(t: ExecutionContext): Promise<Metrics> {
  const env = { WECHAT_SIDECAR_LISTEN: '127.0.0.1:0' };
  const parsed = parseSettings({ env, role: 'simulator', readFile: () => '' });
  if (parsed.kind === 'bad') throw new Error(parsed.problems.join('\n'));
  const metrics = makeMetrics(BUILD);
  const world = { clock: systemClock, random: systemRandom, log: makeLog('silent', systemClock) };
  const role = await startSimulatorRole(parsed.settings, { ...world, version: BUILD.version, metrics });
  t.teardown(() => role.drain({ delayMs: 0, timeoutMs: 0 }));
  return metrics;
}

function callTables(heading: string): Table[] {
  return tablesBelow(reference, heading).filter(({ head }) => head[0] === 'call');
}

/** The code spans of the first columns, sorted. */
function firstCodes(tables: readonly (Table | undefined)[]): string[] {
  return tables.flatMap((table) => table?.rows.flatMap(([first = '']) => codesIn(first)) ?? []).toSorted();
}

interface Named {
  readonly name: string;
  readonly labels: readonly string[];
}

function byName(metrics: readonly Named[]): Named[] {
  return metrics.toSorted((a, b) => a.name.localeCompare(b.name));
}

/** As they are made: in an object with `labelNames`, or by a function of name, help and perhaps a label. */
function metricsOf(texts: readonly string[]): Named[] {
  return texts.flatMap((source) =>
    [...source.matchAll(/(name: )?'(wechat_sidecar_\w+)'((?:(?!(?:name: )?'wechat_sidecar_)[^])*)/g)].map(
      ([, isObject, name = '', rest = '']) => {
        const pattern =
          isObject === undefined ? /^,\s*(?:'[^']*'|"[^"]*"),\s*('\w+'),/ : /labelNames: \[([^\]]*)\]/;
        const [, labels = ''] = pattern.exec(rest) ?? [];
        return { name, labels: [...labels.matchAll(/'(\w+)'/g)].map(([, label = '']) => label) };
      },
    ),
  );
}

async function adminPage(t: ExecutionContext): Promise<string> {
  const server = createServer(
    adminHandler({
      build: BUILD,
      checks: { live: [], ready: [], startup: [] },
      status: () => ({}),
      metrics: makeMetrics(BUILD),
      clock: systemClock,
      quit() {},
      log: { ...silentLog, level: () => 'info', setLevel() {} },
    }),
  ).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [response] = await once(get({ host: '127.0.0.1', port, path: '/', agent: false }), 'response');
  return text(response);
}
