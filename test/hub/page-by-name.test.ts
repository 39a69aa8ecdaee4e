import test from 'ava';
import { chromium } from 'playwright-core';
import { chromiumPath, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { ORDERS_KEY, startHubPair } from '../support/hub.ts';

const browserTest = chromiumPath === undefined ? test.skip : test;
const title = (words: string): string => (chromiumPath === undefined ? WITHOUT_CHROMIUM : '') + words;

// Over plain HTTP, browsers send Sec-Fetch-Site only to loopback; by any other name there is only Origin.
browserTest(title('a person logs in at a hub that is addressed by name over plain HTTP'), async (t) => {
  const { hub } = await startHubPair(t);
  const args = ['--no-sandbox', '--host-resolver-rules=MAP hub.test 127.0.0.1'];
  const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args });
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(`http://hub.test:${hub.port}/`);
  await page.fill('input[name=key]', ORDERS_KEY);
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().includes('/login')),
    page.click('button.main'),
  ]);
  t.is(answer.status(), 303);
});
