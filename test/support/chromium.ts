import { existsSync } from 'node:fs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a browser is, or undefined where none is installed. `CHROMIUM` names one at another place. */
export const chromiumPath: string | undefined = [process.env['CHROMIUM'] ?? '', ...PLACES].find(
  (path) => path !== '' && existsSync(path),
);

export const WITHOUT_CHROMIUM =
  'SKIPPED, since no Chromium is installed (apt-get install chromium, or set CHROMIUM): ';
