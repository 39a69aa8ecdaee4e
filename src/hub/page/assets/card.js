/**
 * @import { PageAccount, PageFailure } from '../shapes.ts'
 * @typedef {ReturnType<typeof makeCard>} Card
 */
import { byId, element, show } from './dom.js';
import { clockTimes, countdown, fill, numbers, span, words } from './text.js';

const DAY_MS = 86_400_000;

/**
 * @param {PageAccount} account The account at first; `update` replaces it.
 * @param {(account: PageAccount) => void} onRefresh
 */
export function makeCard(account, onRefresh) {
  const [head, life, facts, failure, day] = [makeHead(), makeLife(), makeFacts(), makeFailure(), makeDay()];
  const trouble = element('div', 'failure');
  const button = element('button', '', words.refresh);
  const output = element('output');
  const foot = element('div', 'foot', button, output);
  const root = element(
    'article',
    'card',
    head.root,
    life.root,
    facts.root,
    trouble,
    failure.root,
    day.root,
    foot,
  );
  root.dataset['appid'] = account.appid;
  byId('accounts').append(root);
  const card = { account, root, head, life, facts, failure, day, trouble, button, output };
  button.addEventListener('click', () => onRefresh(card.account));
  return card;
}

function makeHead() {
  const [name, kind, pill] = [element('h3'), element('code'), element('span', 'pill')];
  return { root: element('div', 'head', element('div', '', name, kind), pill), name, kind, pill };
}

function makeLife() {
  const [left, leftWords] = [element('strong'), element('span')];
  const leftRow = element('div', 'left', left, leftWords);
  const [fillBar, mark] = [element('i'), element('b')];
  const bar = element('div', 'bar', fillBar, mark);
  bar.setAttribute('role', 'progressbar');
  bar.setAttribute('aria-label', words.lifeLeft);
  return { root: element('div', 'life', leftRow, bar), left, leftWords, leftRow, bar, fill: fillBar, mark };
}

function makeFacts() {
  const root = element('dl', 'facts');
  const fingerprint = fact(root, words.fingerprint);
  fingerprint.value.className = 'mono';
  const age = fact(root, words.age);
  const next = fact(root, words.nextRefresh);
  const by = fact(root, words.by);
  return { root, fingerprint, age, next, by };
}

function makeFailure() {
  const [head, text] = [element('span'), element('div')];
  return { root: element('div', 'failure', head, text), head, text };
}

function makeDay() {
  const [fetches, strip] = [element('span', 'small'), element('div', 'strip')];
  const title = element('div', 'row', element('span', '', words.lastDay), fetches);
  const [start, end] = [element('span', 'small', words.dayAgo), element('span', 'small', words.now)];
  const timeline = element('div', '', strip, element('div', 'row', start, end));
  const [forced, dots] = [element('span', 'small'), element('span', 'dots')];
  const forcedRow = element('div', 'row', forced, dots);
  const root = element('div', 'day', title, timeline, forcedRow);
  return { root, fetches, strip, stripKey: '', forced, dots, dotsUsed: -1, forcedRow };
}

/**
 * @param {HTMLElement} list
 * @param {string} label
 */
function fact(list, label) {
  const value = element('dd');
  const item = element('div', '', element('dt', '', label), value);
  list.append(item);
  return { item, value };
}

/**
 * @param {Card} card
 * @param {PageAccount} account
 */
export function update(card, account) {
  card.account = account;
  card.button.hidden = !account.mayRefresh;
  card.root.className = `card ${account.state}`;
  show(card.head.name, account.name);
  show(card.head.pill, words[account.state]);
  show(card.facts.fingerprint.value, account.fingerprint ?? '–');
  show(card.head.kind, (account.name === account.appid ? '' : `${account.appid} · `) + account.mode);
  showShared(card, account.shared);
  const { used, max } = account.fetches;
  const fetches = fill(words.ofMax, { used: numbers.format(used), max: numbers.format(max) });
  show(card.day.fetches, `${account.shared ? words.fetchesHere : words.fetches} ${fetches}`);
  showForced(card, account.forced);
  showStrip(card, account.refreshes);
}

/**
 * @param {Card} card
 * @param {PageAccount['forced']} forced
 */
function showForced(card, forced) {
  card.day.forcedRow.hidden = forced === undefined;
  if (forced === undefined) return;
  show(card.day.forced, `${words.forced} ${fill(words.ofMax, forced)}`);
  const count = Math.min(forced.max, 40);
  if (card.day.dots.childElementCount === count && card.day.dotsUsed === forced.used) return;
  const dots = Array.from({ length: count }, (_, at) => element('i', at < forced.used ? 'used' : ''));
  card.day.dots.replaceChildren(...dots);
  card.day.dotsUsed = forced.used;
}

/**
 * @param {Card} card
 * @param {PageAccount['shared']} shared
 */
function showShared(card, shared) {
  card.facts.by.item.hidden = shared === undefined;
  card.facts.root.classList.toggle('four', shared !== undefined);
  card.trouble.hidden = shared?.trouble === undefined;
  if (shared === undefined) return;
  show(card.facts.by.value, words[shared.by] + (shared.name === undefined ? '' : ` (${shared.name})`));
  show(card.trouble, words.storeTroubles[shared.trouble ?? ''] ?? '');
}

/**
 * @param {Card} card
 * @param {PageAccount['refreshes']} refreshes
 */
function showStrip(card, refreshes) {
  const key = refreshes.map(({ atUnixMs }) => atUnixMs).join();
  if (card.day.stripKey === key) return;
  card.day.stripKey = key;
  const dots = refreshes.map(({ atUnixMs, trigger, result }) => {
    const dot = element('i', result);
    dot.title = `${clockTimes.format(atUnixMs)} · ${words.triggers[trigger]} · ${words.results[result]}`;
    dot.dataset['at'] = String(atUnixMs);
    return dot;
  });
  card.day.strip.replaceChildren(...dots);
}

/**
 * @param {Card} card
 * @param {number} nowMs
 */
export function tickCard(card, nowMs) {
  const { issuedMs, expiresMs, nextMs, failure } = card.account;
  const leftMs = (expiresMs ?? nowMs) - nowMs;
  const isLive = leftMs > 0;
  const lifeMs = isLive ? nowMs + leftMs - (issuedMs ?? nowMs) : 1;
  const share = isLive ? Math.min(1, leftMs / lifeMs) : 0;
  const ended = expiresMs === undefined ? words.noToken : words.ended;
  card.life.left.hidden = !isLive;
  card.life.leftRow.classList.toggle('empty', !isLive);
  show(card.life.left, isLive ? countdown(leftMs) : '');
  show(card.life.leftWords, isLive ? words.lifeLeft : ended);
  card.life.fill.style.width = `${(share * 100).toFixed(3)}%`;
  card.life.bar.setAttribute('aria-valuenow', String(Math.round(share * 100)));
  const nextShare = isLive && nextMs !== undefined ? (nowMs + leftMs - nextMs) / lifeMs : 0;
  card.life.mark.hidden = !(nextShare > 0 && nextShare < 1);
  card.life.mark.style.left = `${(nextShare * 100).toFixed(2)}%`;
  show(card.facts.age.value, isLive ? span(nowMs - (issuedMs ?? nowMs)) : '–');
  const isDue = nextMs === undefined || nextMs <= nowMs;
  show(card.facts.next.value, isDue ? words.atOnce : fill(words.inTime, { t: span(nextMs - nowMs) }));
  placeDots(card.day.strip, nowMs);
  showFailure(card, failure, nowMs);
}

/**
 * Now is at the right end of the strip, and a day ago at its left end.
 *
 * @param {HTMLElement} strip
 * @param {number} nowMs
 */
function placeDots(strip, nowMs) {
  for (const dot of strip.querySelectorAll('i')) {
    const back = (nowMs - Number(dot.dataset['at'])) / DAY_MS;
    const share = 1 - Math.max(0, back);
    dot.hidden = back > 1;
    // The dots at both ends stay within the strip; 0.58rem is their width in the style sheet.
    dot.style.left = `calc(${(share * 100).toFixed(3)}% - ${(share * 0.58 - 0.29).toFixed(3)}rem)`;
  }
}

/**
 * @param {Card} card
 * @param {PageFailure | undefined} failure
 * @param {number} nowMs
 */
function showFailure(card, failure, nowMs) {
  card.failure.root.hidden = failure === undefined;
  if (failure === undefined) return;
  const { over, times: n, lastMs, sinceMs, rid } = failure;
  card.failure.root.classList.toggle('over', over);
  const values = { n: numbers.format(n), t: span(nowMs - (over ? lastMs : sinceMs)) };
  show(card.failure.head, fill(over ? words.failureOver : words.failureNow, values));
  show(card.failure.text, failure.words + (rid === undefined ? '' : ` rid: ${rid}`));
}
