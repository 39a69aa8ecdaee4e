import type { ExecutionContext } from 'ava';
import { chromium } from 'playwright-core';
import { chromiumPath } from './chromium.ts';

/** Stands in for WeChat's own script: `ready` only for a configuration whose signature is right for the page. */
function stubOfWx(ticket: string): string {
  return `
    const ready = [], state = (window.wxState = { config: undefined, isValid: undefined, shared: [] });
    window.wx = {
      async config(config) {
        state.config = config;
        const url = location.href.split('#')[0];
        const text = 'jsapi_ticket=${ticket}&noncestr=' + config.nonceStr + '&timestamp=' + config.timestamp + '&url=' + url;
        const hash = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
        const hex = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
        state.isValid = hex === config.signature;
        if (state.isValid) for (const run of ready) run();
      },
      ready: (run) => void (state.isValid ? run() : ready.push(run)),
      updateAppMessageShareData: (data) => void state.shared.push(data),
    };`;
}

/** Opens the page of this server in Chromium; it must get a right signature of its own URL, and share itself. */
export async function assertPageIsSigned(
  t: ExecutionContext,
  origin: string,
  { appid, ticket }: { readonly appid: string; readonly ticket: string },
): Promise<void> {
  const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.route('https://res.wx.qq.com/**', (route) =>
    route.fulfill({ contentType: 'text/javascript', body: stubOfWx(ticket) }),
  );
  await page.goto(`${origin}/shop/中文?from=%E5%BE%AE%E4%BF%A1&a=1+2#/route?b`);
  await page.waitForFunction('window.wxState?.isValid !== undefined');
  const state = JSON.parse(await page.evaluate('JSON.stringify(window.wxState)')) as {
    readonly config: { readonly appId: string };
    readonly isValid: boolean;
    readonly shared: readonly { readonly link: string }[];
  };
  t.true(state.isValid);
  t.is(state.config.appId, appid);
  t.is(state.shared.length, 1);
  t.true(state.shared[0]?.link.endsWith('#/route?b'));
  t.deepEqual(errors, []);
}
