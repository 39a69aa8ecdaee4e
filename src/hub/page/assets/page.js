/**
 * Requests /page/data, shows it, and advances the times between two responses. Times are the hub's, advanced by the
 * page's monotonic clock, so that a wrong clock on the viewer's machine does not matter.
 *
 * @import { PageAccount, PageData } from '../shapes.ts'
 * @import { Card } from './card.js'
 */
import { makeCard, tickCard, update } from './card.js';
import { byId, element, one, show } from './dom.js';
import { fill, numbers, span, words } from './text.js';

const POLL_MS = 2000;

/** @type {Map<string, Card>} */
const cards = new Map();
/** @type {PageData | undefined} */
let data;
let gotAtMs = 0;
/** @type {string | undefined} */
let askedAppid;

byId('ask').addEventListener('close', () => {
  if (dialog().returnValue === 'yes' && askedAppid !== undefined) void refresh(askedAppid);
});
window.setInterval(tick, 1000);
void poll();

async function poll() {
  await load();
  window.setTimeout(() => void poll(), document.hidden ? 5 * POLL_MS : POLL_MS);
}

async function load() {
  try {
    const response = await fetch(`/page/data${location.search}`, { signal: AbortSignal.timeout(5000) });
    if (response.status === 401) location.reload();
    if (!response.ok) return;
    /** @type {PageData} */
    const loaded = await response.json();
    data = loaded;
    gotAtMs = frameMs();
    render(loaded);
  } catch {
    tick();
  }
}

/** @param {PageData} shown */
function render(shown) {
  const { hub, accounts, logins, sidecars } = shown;
  const uptime = fill(words.upFor, { t: span(hubMs(shown) - hub.sinceMs) });
  show(byId('hub'), `${hub.name} · ${hub.version} · ${uptime}`);
  showSummary(shown);
  showLogins(logins);
  for (const account of accounts) {
    const card = cards.get(account.appid) ?? makeCard(account, confirmRefresh);
    cards.set(account.appid, card);
    update(card, account);
  }
  for (const [appid, card] of cards) {
    if (accounts.some((account) => account.appid === appid)) continue;
    card.root.remove();
    cards.delete(appid);
  }
  showSidecars(sidecars, hubMs(shown));
  tick();
}

/** @param {PageData} shown */
function showSummary({ accounts, logins }) {
  const bad = accounts.filter(({ state }) => state === 'failing' || state === 'none').length;
  const n = accounts.length;
  const none = logins.length > 0 ? words.onlyLogins : words.noAccounts;
  byId('summary').className = bad > 0 ? 'bad' : '';
  show(byId('summary'), n === 0 ? none : fill(bad > 0 ? words.someBad : words.allGood, { n, bad }));
}

function tick() {
  if (data === undefined) return;
  const silentMs = frameMs() - gotAtMs;
  byId('lost').hidden = silentMs < 3 * POLL_MS + 2000;
  show(byId('lost'), fill(words.lost, { t: span(silentMs) }));
  for (const card of cards.values()) tickCard(card, hubMs(data));
}

/**
 * @param {PageData['sidecars']} sidecars
 * @param {number} nowMs
 */
function showSidecars({ total, rows }, nowMs) {
  byId('sidecars').hidden = false;
  const connected = fill(words.sidecarsConnected, { n: numbers.format(total) });
  show(byId('sidecars-total'), total === 0 ? words.noSidecars : connected);
  one('#sidecars table').hidden = rows.length === 0;
  const labels = [words.caller, words.address, words.pod, words.streams, words.since];
  const shown = rows.map(({ caller, address, pod, streams, sinceMs }) => {
    const texts = [caller, address, pod ?? '–', numbers.format(streams), span(nowMs - sinceMs)];
    const cells = texts.map((text, at) => {
      const cell = element('td', '', text);
      cell.dataset['label'] = labels[at] ?? '';
      return cell;
    });
    return element('tr', '', ...cells);
  });
  const streams = rows.reduce((sum, row) => sum + row.streams, 0);
  if (streams < total) shown.push(element('tr', '', element('td', '', words.moreRows)));
  one('#sidecars tbody').replaceChildren(...shown);
}

/**
 * Accounts without a token: only their names.
 *
 * @param {PageData['logins']} logins
 */
function showLogins(logins) {
  byId('logins').hidden = logins.length === 0;
  const items = logins.map(({ appid, name }) => {
    const suffix = name === appid ? [] : [' ', element('code', '', appid)];
    return element('li', '', element('strong', '', name), ...suffix);
  });
  one('#logins ul').replaceChildren(...items);
}

/** @param {PageAccount} account */
function confirmRefresh({ appid, name, forced, fetches }) {
  askedAppid = appid;
  show(byId('ask-title'), fill(words.askTitle, { name }));
  show(byId('ask-cost'), costWords(forced, fetches));
  dialog().returnValue = 'no';
  dialog().showModal();
}

/**
 * @param {PageAccount['forced']} forced
 * @param {PageAccount['fetches']} fetches
 */
function costWords(forced, { used, max }) {
  if (forced === undefined) {
    return fill(words.costClassic, { used: numbers.format(used), max: numbers.format(max) });
  }
  const left = forced.max - forced.used;
  return fill(left > 0 ? words.costStable : words.costStableNone, { left, max: forced.max });
}

/** @param {string} appid */
async function refresh(appid) {
  const card = cards.get(appid);
  if (card === undefined) return;
  card.button.disabled = true;
  show(card.output, words.refreshing);
  try {
    const url = `/page/apps/${encodeURIComponent(appid)}/refresh${location.search}`;
    const response = await fetch(url, { method: 'POST' });
    const result = await response.json();
    const done = result.refreshed ? words.renewed : words.unchanged;
    show(
      card.output,
      response.ok ? fill(done, { f: result.fingerprint }) : fill(words.refused, { why: result.detail }),
    );
  } catch (error) {
    show(card.output, fill(words.refused, { why: error instanceof Error ? error.name : 'error' }));
  }
  card.button.disabled = false;
  await load();
}

function frameMs() {
  return Number(document.timeline.currentTime);
}

/**
 * The hub's time.
 *
 * @param {PageData} shown
 */
function hubMs({ nowMs }) {
  return nowMs + (frameMs() - gotAtMs);
}

function dialog() {
  return /** @type {HTMLDialogElement} */ (byId('ask'));
}
