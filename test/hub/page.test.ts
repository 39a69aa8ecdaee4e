import test from 'ava';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { chromiumPath, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { ORDERS_KEY, REPORTS_KEY, startHubPair, type RunningHub } from '../support/hub.ts';
import { openWatch } from '../support/hub-watch.ts';
import type { Teardown } from '../support/simulator.ts';

const browserTest = chromiumPath === undefined ? test.skip : test;
const title = (words: string): string => (chromiumPath === undefined ? WITHOUT_CHROMIUM : '') + words;

const PHONE = { width: 375, height: 740 };
/** The machine may be busy with other tests. */
const PATIENCE_MS = 60_000;

let browser: Promise<Browser> | undefined;

test.after.always(async () => {
  await (await browser)?.close();
});

async function openPage(t: Teardown, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  browser ??= chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
  const context = await (await browser).newContext({ locale: 'en-GB', ...options });
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(url);
  return page;
}

async function logIn(page: Page, key: string): Promise<void> {
  await page.fill('input[name=key]', key);
  await page.click('button.main');
  await page.waitForSelector('.card');
}

/** Every error in the browser's console. */
function complaints(page: Page): string[] {
  const heard: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') heard.push(message.text());
  });
  page.on('pageerror', (error) => heard.push(error.message));
  return heard;
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).first().textContent()) ?? '';
}

function secondsOf(countdown: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = countdown.split(':').map(Number);
  return hours * 3_600 + minutes * 60 + seconds;
}

/** Whether something is wider than the screen. */
function overflows(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}

async function ready(hub: RunningHub): Promise<string> {
  return String((await hub.call(`/v1/apps/${DEMO_APP.appid}/token`)).json()['fingerprint']);
}

browserTest(title('a person logs in and sees the remaining lifetime of a token count down'), async (t) => {
  const { hub } = await startHubPair(t);
  const fingerprint = await ready(hub);
  const watch = await openWatch(hub.base, ORDERS_KEY);
  t.teardown(() => watch.close());
  const page = await openPage(t, hub.base);
  const heard = complaints(page);
  await page.fill('input[name=key]', 'a-wrong-key-0123456789');
  await page.click('button.main');
  t.regex(await textOf(page, '.wrong'), /No client of this hub has this key/);
  heard.length = 0;
  await logIn(page, REPORTS_KEY);
  t.is(await textOf(page, '.card h3'), DEMO_APP.appid);
  t.is(await textOf(page, '.card .pill'), 'in good order');
  t.is(await textOf(page, '.card dd.mono'), fingerprint);

  const before = secondsOf(await textOf(page, '.left strong'));
  const widthOf = async (): Promise<number> =>
    Number(/width: ([\d.]+)%/.exec((await page.locator('.bar i').getAttribute('style')) ?? '')?.[1]);
  const widthBefore = await widthOf();
  t.true(before > 7_000);
  await page.waitForTimeout(3_500);
  const after = secondsOf(await textOf(page, '.left strong'));
  t.true(after < before && after > before - 120, `${before} to ${after}`);
  t.true((await widthOf()) < widthBefore);

  t.is(await textOf(page, '#sidecars-total'), '1 connected');
  t.is(await textOf(page, '#sidecars td'), 'orders');
  t.deepEqual(heard, []);
});

browserTest(title('accounts of mode login have a list of their own'), async (t) => {
  const login = 'wx00000000000000aa';
  const file = `apps: [{ appid: ${login}, secret: 0123456789abcdef0123456789abcdef, mode: login, name: web }]`;
  const { hub } = await startHubPair(t, { file });
  await ready(hub);
  const page = await openPage(t, hub.base, { viewport: PHONE });
  const heard = complaints(page);
  await logIn(page, REPORTS_KEY);
  t.is(await textOf(page, '#logins h2'), 'Accounts that only log people in');
  t.is(await textOf(page, '#logins li'), `web ${login}`);
  t.is(await page.locator('.card').count(), 1);
  t.false(await overflows(page));
  t.deepEqual(heard, []);
});

browserTest(title('a refresh shows its cost first, and is made when it is confirmed'), async (t) => {
  const { hub } = await startHubPair(t);
  const fingerprint = await ready(hub);
  const page = await openPage(t, hub.base);
  await logIn(page, REPORTS_KEY);
  await page.click('.card .foot button');
  t.regex(await textOf(page, '#ask-cost'), /one of the 20 forced refreshes that are left of today’s 20/);
  await page.click('#ask button[value=no]');
  t.is(await ready(hub), fingerprint);
  await page.click('.card .foot button');
  await page.click('#ask button[value=yes]');
  await page.locator('output', { hasText: 'There is a new token' }).waitFor();
  const now = await ready(hub);
  t.not(now, fingerprint);
  // The page loads its data after it has said so.
  await page.locator('.card dd.mono', { hasText: now }).waitFor();
  t.is(await page.locator('.strip i').count(), 2);
  t.regex(await textOf(page, '.day .row .small'), /2 of 500,000/);
});

for (const colorScheme of ['light', 'dark'] as const) {
  browserTest(title(`in Chinese, on a phone, ${colorScheme}: everything is readable and fits`), async (t) => {
    const { simulator, hub } = await startHubPair(t);
    simulator.control.break({
      path: '/cgi-bin/stable_token',
      fault: { kind: 'errcode', errcode: 40164 },
    });
    const page = await openPage(t, `${hub.base}/`, { viewport: PHONE, locale: 'zh-CN', colorScheme });
    t.false(await overflows(page));
    await logIn(page, REPORTS_KEY);
    t.is(await page.locator('html').getAttribute('lang'), 'zh-CN');
    t.is(await textOf(page, 'h1'), '中控服务器');
    t.false(await overflows(page));
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    const [red = 0] = String(ground).match(/\d+/g)?.map(Number) ?? [];
    t.is(red > 128, colorScheme === 'light');
    await page.click('nav a');
    await page.waitForSelector('.card');
    t.is(await textOf(page, 'h1'), 'Token hub');
  });
}

browserTest(title('a failure is explained, with what to do, in both languages'), async (t) => {
  const { hub, simulator } = await startHubPair(t, {
    file: 'apps: [{ appid: wx00000000000other, secret: 0123456789abcdef0123456789abcdef, name: broken }]',
  });
  await ready(hub);
  t.is(simulator.control.apps().length, 1);
  const page = await openPage(t, `${hub.base}/?lang=en`);
  await logIn(page, REPORTS_KEY);
  await page.waitForSelector('.card.none');
  const words = await textOf(page, '.card.none .failure:not([hidden])');
  t.regex(words, /does not know this appid.*What to do/s);
  t.regex(await textOf(page, '#summary'), /1 of 2/);
  await page.goto(`${hub.base}/?lang=zh`);
  await page.waitForSelector('.card.none');
  t.regex(await textOf(page, '.card.none .failure:not([hidden])'), /平台不认识这个 AppID.*处理办法/s);
});

browserTest(title('if the hub does not respond, the page says so and marks its data as old'), async (t) => {
  const { hub } = await startHubPair(t);
  await ready(hub);
  const page = await openPage(t, hub.base);
  await logIn(page, REPORTS_KEY);
  await page.context().setOffline(true);
  await page.waitForSelector('#lost:not([hidden])');
  t.regex(await textOf(page, '#lost'), /does not answer/);
  await page.context().setOffline(false);
  await page.waitForSelector('#lost[hidden]', { state: 'attached' });
  t.pass();
});
