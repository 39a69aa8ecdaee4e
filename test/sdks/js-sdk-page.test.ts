import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { chromiumPath, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { assertPageIsSigned } from '../support/js-sdk-page.ts';
import { freePort } from '../support/free-port.ts';
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

for (const readme of ['README.md', 'README.zh-CN.md']) {
  browserTest(`${skipped}the page and the server in ${readme} get a page signed`, async (t) => {
    const { sidecar } = await startPair(t);
    const ticket = String((await sidecar.call('/cgi-bin/ticket/getticket?type=jsapi')).json()['ticket']);
    const folder = temporaryFolder(t);
    const text = readFileSync(readme, 'utf8');
    const page = shown(text, '<!-- page\\.html -->');
    t.true(readFileSync('examples/page.html', 'utf8').endsWith(page), 'the examples show the same page');
    writeFileSync(join(folder, 'page.html'), page);
    writeFileSync(join(folder, 'server.mjs'), shown(text, '// server\\.mjs'));
    const port = await freePort();
    const server = spawn(process.execPath, ['server.mjs'], {
      cwd: folder,
      env: { PORT: String(port), WECHAT_SIDECAR_URL: sidecar.base },
      stdio: 'ignore',
    });
    t.teardown(() => server.kill('SIGKILL'));
    while ((await ask(`http://localhost:${port}/`).catch(() => undefined)) === undefined) await pause(25);
    await assertPageIsSigned(t, `http://localhost:${port}`, { appid: APPID, ticket });
  });
}
