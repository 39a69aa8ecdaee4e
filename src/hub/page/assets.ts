import { readFileSync } from 'node:fs';

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

/** The files in `assets/`, and their media types. */
const FILES: Readonly<Record<string, string>> = {
  'icon.svg': 'image/svg+xml',
  'page.css': 'text/css',
  'page.js': 'text/javascript',
  'card.js': 'text/javascript',
  'dom.js': 'text/javascript',
  'text.js': 'text/javascript',
};

/**
 * What the browser loads for the page, from `/page/` and the name. The files are served as they are in the source, so no
 * build copies them; `imports` in package.json says where they are, wherever this module was compiled to.
 */
export function readAssets(): readonly Asset[] {
  return Object.entries(FILES).map(([name, type]) => ({
    path: `/page/${name}`,
    type,
    text: readFileSync(new URL(import.meta.resolve(`#page-assets/${name}`)), 'utf8'),
  }));
}
