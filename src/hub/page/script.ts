/**
 * /page.js: requests /page/data, shows it, and advances the times between two responses. Times are the hub's, advanced
 * by the page's monotonic clock, so that a wrong clock on the viewer's machine does not matter.
 */
export const SCRIPT = `'use strict';
const POLL_MS = 2000;
const words = JSON.parse(document.getElementById('words').textContent);
const language = document.documentElement.lang;
const numbers = new Intl.NumberFormat(language);
const cards = new Map();
let data;
let gotAtMs = 0;
let askedAppid;

const byId = (id) => document.getElementById(id);
const frameMs = () => Number(document.timeline.currentTime);
const nowMs = () => data.nowMs + (frameMs() - gotAtMs);
const filled = (text, values) => text.replace(/\\{(\\w+)\\}/g, (all, name) => (name in values ? String(values[name]) : all));

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function show(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function span(ms) {
  const { d, h, m, s } = words.units;
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return days + d + (hours > 0 ? ' ' + hours + h : '');
  if (hours > 0) return hours + h + (minutes > 0 ? ' ' + minutes + m : '');
  return minutes > 0 ? minutes + m : seconds + s;
}

function countdown(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value) => String(value).padStart(2, '0');
  return Math.floor(seconds / 3600) + ':' + two(Math.floor(seconds / 60) % 60) + ':' + two(seconds % 60);
}

function fact(list, label) {
  const value = element('dd');
  const item = element('div', '', element('dt', '', label), value);
  list.append(item);
  return { item, value };
}

function makeCard(appid) {
  const card = { name: element('h3'), pill: element('span', 'pill'), left: element('strong'), leftWords: element('span'), kind: element('code') };
  card.leftRow = element('div', 'left', card.left, card.leftWords);
  card.fill = element('i');
  card.mark = element('b');
  card.bar = element('div', 'bar', card.fill, card.mark);
  card.bar.setAttribute('role', 'progressbar');
  card.bar.setAttribute('aria-label', words.lifeLeft);
  card.facts = element('dl', 'facts');
  for (const [key, label] of [['fingerprint', words.fingerprint], ['age', words.age], ['next', words.nextRefresh], ['by', words.by]]) {
    card[key] = fact(card.facts, label);
  }
  card.fingerprint.value.className = 'mono';
  card.fetches = element('span', 'small');
  card.strip = element('div', 'strip');
  card.forced = element('span', 'small');
  card.dots = element('span', 'dots');
  card.forcedRow = element('div', 'row', card.forced, card.dots);
  const axis = element('div', 'row', element('span', 'small', words.dayAgo), element('span', 'small', words.now));
  const lastDay = element('div', 'row', element('span', '', words.lastDay), card.fetches);
  card.failureHead = element('span');
  card.failureWords = element('div');
  card.failure = element('div', 'failure', card.failureHead, card.failureWords);
  card.trouble = element('div', 'failure');
  card.button = element('button', '', words.refresh);
  card.output = element('output');
  card.button.addEventListener('click', () => askFor(appid));
  card.root = element('article', 'card',
    element('div', 'head', element('div', '', card.name, card.kind), card.pill),
    element('div', 'life', card.leftRow, card.bar),
    card.facts, card.trouble, card.failure,
    element('div', 'day', lastDay, element('div', '', card.strip, axis), card.forcedRow),
    element('div', 'foot', card.button, card.output));
  card.root.dataset.appid = appid;
  byId('accounts').append(card.root);
  return card;
}

function update(card, account) {
  card.account = account;
  card.button.hidden = !account.mayRefresh;
  card.root.className = 'card ' + account.state;
  show(card.name, account.name);
  show(card.pill, words[account.state]);
  show(card.fingerprint.value, account.fingerprint || '–');
  show(card.kind, (account.name === account.appid ? '' : account.appid + ' · ') + account.mode);
  showShared(card, account.shared);
  const { used, max } = account.fetches;
  show(card.fetches, (account.shared ? words.fetchesHere : words.fetches) + ' ' + filled(words.ofMax, { used: numbers.format(used), max: numbers.format(max) }));
  card.forcedRow.hidden = account.forced === undefined;
  if (account.forced) {
    show(card.forced, words.forced + ' ' + filled(words.ofMax, account.forced));
    const dots = Array.from({ length: Math.min(account.forced.max, 40) }, (_, at) => element('i', at < account.forced.used ? 'used' : ''));
    if (card.dots.childElementCount !== dots.length || card.dotsUsed !== account.forced.used) card.dots.replaceChildren(...dots);
    card.dotsUsed = account.forced.used;
  }
  showStrip(card, account.refreshes);
}

function showShared(card, shared) {
  card.by.item.hidden = shared === undefined;
  card.facts.classList.toggle('four', shared !== undefined);
  card.trouble.hidden = shared === undefined || shared.trouble === undefined;
  if (shared === undefined) return;
  show(card.by.value, words[shared.by] + (shared.name ? ' (' + shared.name + ')' : ''));
  show(card.trouble, words.storeTroubles[shared.trouble] || '');
}

function showStrip(card, refreshes) {
  const key = refreshes.map(({ atUnixMs }) => atUnixMs).join();
  if (card.stripKey === key) return;
  card.stripKey = key;
  card.strip.replaceChildren(...refreshes.map(({ atUnixMs, trigger, result }) => {
    const dot = element('i', result);
    const time = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(atUnixMs);
    dot.title = time + ' · ' + words.triggers[trigger] + ' · ' + words.results[result];
    dot.dataset.at = atUnixMs;
    return dot;
  }));
}

function tickCard(card) {
  const { account } = card;
  const now = nowMs();
  const live = account.expiresMs !== undefined && account.expiresMs > now;
  const lifeMs = live ? account.expiresMs - account.issuedMs : 1;
  const share = live ? Math.min(1, (account.expiresMs - now) / lifeMs) : 0;
  card.left.hidden = !live;
  card.leftRow.classList.toggle('empty', !live);
  show(card.left, live ? countdown(account.expiresMs - now) : '');
  show(card.leftWords, live ? words.lifeLeft : account.expiresMs === undefined ? words.noToken : words.ended);
  card.fill.style.width = (share * 100).toFixed(3) + '%';
  card.bar.setAttribute('aria-valuenow', String(Math.round(share * 100)));
  const nextShare = live && account.nextMs ? (account.expiresMs - account.nextMs) / lifeMs : 0;
  card.mark.hidden = !(nextShare > 0 && nextShare < 1);
  card.mark.style.left = (nextShare * 100).toFixed(2) + '%';
  show(card.age.value, live ? span(now - account.issuedMs) : '–');
  show(card.next.value, account.nextMs === undefined || account.nextMs <= now ? words.atOnce : filled(words.inTime, { t: span(account.nextMs - now) }));
  for (const dot of card.strip.children) {
    const back = (now - Number(dot.dataset.at)) / 86400000;
    dot.hidden = back > 1;
    dot.style.left = 'calc(' + ((1 - Math.max(0, back)) * 100).toFixed(3) + '% - ' + ((1 - Math.max(0, back)) * 0.58 - 0.29).toFixed(3) + 'rem)';
  }
  tickFailure(card, account.failure, now);
}

function tickFailure(card, failure, now) {
  card.failure.hidden = failure === undefined;
  if (failure === undefined) return;
  card.failure.classList.toggle('over', failure.over);
  const fill = { n: numbers.format(failure.times), t: span(now - (failure.over ? failure.lastMs : failure.sinceMs)) };
  show(card.failureHead, filled(failure.over ? words.failureOver : words.failureNow, fill));
  show(card.failureWords, failure.words + (failure.rid ? ' rid: ' + failure.rid : ''));
}

function showSidecars({ total, rows }) {
  byId('sidecars').hidden = false;
  show(byId('sidecars-total'), total === 0 ? words.noSidecars : filled(words.sidecarsConnected, { n: numbers.format(total) }));
  const table = byId('sidecars').querySelector('table');
  table.hidden = rows.length === 0;
  const labels = [words.caller, words.address, words.pod, words.streams, words.since];
  const shown = rows.map((row) => {
    const cells = [row.caller, row.address, row.pod || '–', numbers.format(row.streams), span(nowMs() - row.sinceMs)];
    return element('tr', '', ...cells.map((text, at) => {
      const cell = element('td', '', text);
      cell.dataset.label = labels[at];
      return cell;
    }));
  });
  if (rows.reduce((sum, row) => sum + row.streams, 0) < total) shown.push(element('tr', '', element('td', '', words.moreRows)));
  table.tBodies[0].replaceChildren(...shown);
}

/** Accounts without a token: their names, and that there is nothing to look after. */
function showLogins(logins) {
  byId('logins').hidden = logins.length === 0;
  byId('logins').querySelector('ul').replaceChildren(...logins.map(({ appid, name }) =>
    element('li', '', element('strong', '', name), ...(name === appid ? [] : [' ', element('code', '', appid)]))));
}

function render() {
  show(byId('hub'), data.hub.name + ' · ' + data.hub.version + ' · ' + filled(words.upFor, { t: span(nowMs() - data.hub.sinceMs) }));
  const bad = data.accounts.filter(({ state }) => state === 'failing' || state === 'none').length;
  const n = data.accounts.length;
  showLogins(data.logins);
  byId('summary').className = bad > 0 ? 'bad' : '';
  show(byId('summary'), n === 0 ? (data.logins.length > 0 ? words.onlyLogins : words.noAccounts) : filled(bad > 0 ? words.someBad : words.allGood, { n, bad }));
  for (const account of data.accounts) {
    if (!cards.has(account.appid)) cards.set(account.appid, makeCard(account.appid));
    update(cards.get(account.appid), account);
  }
  for (const [appid, card] of cards) {
    if (data.accounts.some((account) => account.appid === appid)) continue;
    card.root.remove();
    cards.delete(appid);
  }
  showSidecars(data.sidecars);
  tick();
}

function tick() {
  if (data === undefined) return;
  const silentMs = frameMs() - gotAtMs;
  byId('lost').hidden = silentMs < 3 * POLL_MS + 2000;
  show(byId('lost'), filled(words.lost, { t: span(silentMs) }));
  for (const card of cards.values()) tickCard(card);
}

async function load() {
  try {
    const answer = await fetch('/page/data' + location.search, { signal: AbortSignal.timeout(5000) });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return;
    data = await answer.json();
    gotAtMs = frameMs();
    render();
  } catch {
    tick();
  }
}

function askFor(appid) {
  const { account } = cards.get(appid);
  const forced = account.forced;
  askedAppid = appid;
  show(byId('ask-title'), filled(words.askTitle, { name: account.name }));
  const cost = forced === undefined
    ? filled(words.costClassic, { used: numbers.format(account.fetches.used), max: numbers.format(account.fetches.max) })
    : filled(forced.used < forced.max ? words.costStable : words.costStableNone, { left: forced.max - forced.used, max: forced.max });
  show(byId('ask-cost'), cost);
  byId('ask').returnValue = 'no';
  byId('ask').showModal();
}

async function refresh(appid) {
  const card = cards.get(appid);
  card.button.disabled = true;
  show(card.output, words.refreshing);
  try {
    const answer = await fetch('/page/apps/' + encodeURIComponent(appid) + '/refresh' + location.search, { method: 'POST' });
    const told = await answer.json();
    show(card.output, answer.ok
      ? filled(told.refreshed ? words.renewed : words.unchanged, { f: told.fingerprint })
      : filled(words.refused, { why: told.detail }));
  } catch (error) {
    show(card.output, filled(words.refused, { why: error.name }));
  }
  card.button.disabled = false;
  await load();
}

byId('ask').addEventListener('close', () => {
  if (byId('ask').returnValue === 'yes') void refresh(askedAppid);
});
window.setInterval(tick, 1000);
const poll = () => load().finally(() => window.setTimeout(poll, document.hidden ? 5 * POLL_MS : POLL_MS));
void poll();
`;
