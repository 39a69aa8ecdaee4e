/** Draws small SVG plots: one panel for each question, with a logarithmic or a linear axis of what grows. */

export interface Panel {
  readonly title: string;
  readonly isLogarithmic: boolean;
  /** What grows, and the measured multiple of the reference. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

const PANEL = { width: 300, height: 190, left: 40, right: 26, top: 34, bottom: 30 } as const;
const COLUMNS = 2;
const STYLE =
  'text{font:11px sans-serif;fill:#555}.t{font-weight:bold;fill:#222}.g{stroke:#ddd}.b{fill:#e8f1e8}' +
  '.l{fill:none;stroke:#1f6feb;stroke-width:2}.p{fill:#1f6feb}';
/** The band that counts as flat. */
const FLAT = 0.1;

/** `caption` is for those who cannot see it. */
export function drawPanels(caption: string, panels: readonly Panel[], yMax: number): string {
  const rows = Math.ceil(panels.length / COLUMNS);
  const [width, height] = [PANEL.width * COLUMNS, PANEL.height * rows];
  const drawn = panels.map((panel, at) => {
    const [x, y] = [(at % COLUMNS) * PANEL.width, Math.floor(at / COLUMNS) * PANEL.height];
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, yMax)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(caption)}</title><style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, isLogarithmic, points }: Panel, yMax: number): string {
  const { width, height, left, right, top, bottom } = PANEL;
  const xs = points.map(([x]) => x);
  const scaled = (x: number): number => (isLogarithmic ? Math.log10(x) : x);
  const [low, high] = [scaled(Math.min(...xs)), scaled(Math.max(...xs))];
  const xOf = (x: number): number => left + ((scaled(x) - low) / (high - low || 1)) * (width - left - right);
  const yOf = (y: number): number => height - bottom - (y / yMax) * (height - top - bottom);
  const [bandTop, bandBottom] = [yOf(1 + FLAT), yOf(1 - FLAT)];
  const line = points.map(([x, y]) => `${round(xOf(x))},${round(yOf(y))}`).join(' ');
  return [
    `<text class="t" x="${left}" y="18">${escaped(title)}</text>`,
    `<rect class="b" x="${left}" y="${round(bandTop)}" width="${width - left - right}" height="${round(bandBottom - bandTop)}"/>`,
    ...ticks(yMax).flatMap((y) => [
      `<line class="g" x1="${left}" x2="${width - right}" y1="${round(yOf(y))}" y2="${round(yOf(y))}"/>`,
      `<text x="${left - 6}" y="${round(yOf(y) + 4)}" text-anchor="end">${y}</text>`,
    ]),
    ...xs.map((x) => `<text x="${round(xOf(x))}" y="${height - 12}" text-anchor="middle">${shown(x)}</text>`),
    `<polyline class="l" points="${line}"/>`,
    ...points.map(([x, y]) => `<circle class="p" cx="${round(xOf(x))}" cy="${round(yOf(y))}" r="3"/>`),
  ].join('');
}

function ticks(yMax: number): number[] {
  const step = yMax > 4 ? 2 : yMax > 2 ? 1 : 0.5;
  return Array.from({ length: Math.floor(yMax / step) + 1 }, (_, at) => at * step);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function shown(value: number): string {
  return value.toLocaleString('en-US');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
