import { existsSync } from 'node:fs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a browser is, or undefined where none is installed. `CHROMIUM` names one at another place. */
export const chromiumPath: string | undefined = [process.env['CHROMIUM'] ?? '', ...PLACES].find(
  (path) => path !== '' && existsSync(path),
);

export const WITHOUT_CHROMIUM =
  'SKIPPED, since there is no Chromium (node scripts/test-servers.mjs installs it, as root on Debian): ';
