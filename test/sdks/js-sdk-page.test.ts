import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { chromium } from 'playwright-core';
import { chromiumPath, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { freePort } from '../support/redis.ts';
import { APPID, startPair } from '../support/sidecar.ts';
import { ask } from '../support/simulator-client.ts';
import { temporaryFolder } from '../support/temporary.ts';

const browserTest = chromiumPath === undefined ? test.skip : test.serial;
const skipped = chromiumPath === undefined ? WITHOUT_CHROMIUM : '';

/** The block of a README that begins with the comment which names this file. */
function shown(readme: string, comment: string): string {
  const [, body] = new RegExp(`^\`\`\`\\w+\\n${comment}\\n([^]*?)^\`\`\`$`, 'm').exec(readme) ?? [];
  if (body === undefined) throw new Error(`No block begins with ${comment}`);
  return body;
}

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

for (const readme of ['README.md', 'README.zh-CN.md']) {
  browserTest(`${skipped}the page and the server in ${readme} get a page signed`, async (t) => {
    const { sidecar } = await startPair(t);
    const ticket = String((await sidecar.call('/cgi-bin/ticket/getticket?type=jsapi')).json()['ticket']);
    const folder = temporaryFolder(t);
    const text = readFileSync(readme, 'utf8');
    writeFileSync(join(folder, 'page.html'), shown(text, '<!-- page\\.html -->'));
    writeFileSync(join(folder, 'server.mjs'), shown(text, '// server\\.mjs'));
    const port = await freePort();
    const server = spawn(process.execPath, ['server.mjs'], {
      cwd: folder,
      env: { PORT: String(port), WECHAT_SIDECAR_URL: sidecar.base },
      stdio: 'ignore',
    });
    t.teardown(() => server.kill('SIGKILL'));
    while ((await ask(`http://localhost:${port}/`).catch(() => undefined)) === undefined) await pause(25);

    const browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox'] });
    t.teardown(() => browser.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.route('https://res.wx.qq.com/**', (route) =>
      route.fulfill({ contentType: 'text/javascript', body: stubOfWx(ticket) }),
    );
    const url = `http://localhost:${port}/shop/中文?from=%E5%BE%AE%E4%BF%A1&a=1+2#/route?b`;
    await page.goto(url);
    await page.waitForFunction('window.wxState?.isValid !== undefined');
    const state = JSON.parse(await page.evaluate('JSON.stringify(window.wxState)')) as {
      readonly config: { readonly appId: string };
      readonly isValid: boolean;
      readonly shared: readonly { readonly link: string }[];
    };
    t.true(state.isValid);
    t.is(state.config.appId, APPID);
    t.is(state.shared.length, 1);
    t.true(state.shared[0]?.link.endsWith('#/route?b'));
    t.deepEqual(errors, []);
  });
}
