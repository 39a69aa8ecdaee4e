import { request } from 'node:http';

/**
 * The business program in a pod: calls WeChat through the sidecar from its first line on and all the time,
 * goes on for a while after SIGTERM, and writes one line of JSON for each call that did not succeed, and
 * a last one with the count of those that did.
 *
 * WAYS: `once` makes one call and ends; `deaf` ignores SIGTERM; `quit` makes a call and asks the sidecar to
 * stop; `long` begins one call that takes long and waits for it. AFTER_MS: how long it goes on after SIGTERM.
 */
const url = process.env['WECHAT_SIDECAR_URL'] ?? '';
const way = process.env['WAY'] ?? '';
const afterMs = Number(process.env['AFTER_MS'] ?? 0);
let good = 0;
let stopAtMs = Infinity;

process.on('SIGTERM', () => {
  if (way !== 'deaf') stopAtMs = performance.now() + afterMs;
});

if (way === 'once' || way === 'quit' || way === 'long') await call();
else await Promise.all([keepCalling(), keepCalling(), keepCalling()]);
if (way === 'quit') await fetch(`${process.env['ADMIN']}/quitquitquit`, { method: 'POST' });
say({ good });

async function keepCalling(): Promise<void> {
  while (performance.now() < stopAtMs) await call();
}

/** On a connection of its own, so that one that is refused is seen. */
function call(): Promise<void> {
  return new Promise((resolve) => {
    const asked = request(`${url}/cgi-bin/getcallbackip`, { agent: false });
    const fail = (why: string): void => {
      say({ failed: why });
      resolve();
    };
    asked.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    asked.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
      response.once('end', () => {
        if (text.includes('"ip_list"')) {
          good += 1;
          resolve();
        } else fail(text);
      });
    });
    asked.end();
    say({ called: true });
  });
}

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
