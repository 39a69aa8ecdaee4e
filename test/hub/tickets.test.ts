import test from 'ava';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { startHubPair } from '../support/hub.ts';

const TICKET_PATH = `/v1/apps/${DEMO_APP.appid}/ticket`;
const PLATFORM_PATH = '/cgi-bin/ticket/getticket';

test('many callers share one ticket per type, fetched by one call to the platform', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  const answers = await Promise.all(Array.from({ length: 50 }, () => hub.call(`${TICKET_PATH}?type=jsapi`)));
  t.is(new Set(answers.map((answer) => answer.json()['ticket'])).size, 1);
  const [first] = answers;
  t.is(first?.json()['appid'], DEMO_APP.appid);
  t.is(first?.json()['type'], 'jsapi');
  t.true(Number(first?.json()['expires_in']) > 7_000);
  t.is(simulator.control.counters().paths[PLATFORM_PATH]?.calls, 1);
  const card = await hub.call(`${TICKET_PATH}?type=wx_card`);
  t.not(card.json()['ticket'], first?.json()['ticket']);
  t.is(simulator.control.counters().paths[PLATFORM_PATH]?.calls, 2);
  t.false(hub.lines.join('').includes(String(first?.json()['ticket'])));
});

test('a token that is refused while fetching a ticket is replaced, and the ticket is fetched', async (t) => {
  const { simulator, hub } = await startHubPair(t);
  await hub.call(`/v1/apps/${DEMO_APP.appid}/token`);
  simulator.control.overwrite();
  const answer = await hub.call(`${TICKET_PATH}?type=jsapi`);
  t.is(answer.status, 200, answer.body.toString());
  t.is(simulator.control.counters().paths[PLATFORM_PATH]?.calls, 2);
});

test("if there is no ticket, the response has the platform's errcode", async (t) => {
  const { simulator, hub } = await startHubPair(t);
  simulator.control.answer({ path: PLATFORM_PATH, body: '{"errcode":48001,"errmsg":"api unauthorized"}' });
  const answer = await hub.call(`${TICKET_PATH}?type=jsapi`);
  t.is(answer.status, 503);
  t.is(answer.json()['errcode'], 48001);
  await hub.call(`${TICKET_PATH}?type=jsapi`);
  t.is(simulator.control.counters().paths[PLATFORM_PATH]?.calls, 1);
});
