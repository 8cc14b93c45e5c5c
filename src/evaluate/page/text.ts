/** Text for the page: escaped HTML, and numbers formatted for tables. */
import type { Interval } from '../intervals.js';

/** Text that is already HTML. All other text is escaped when it is put into a page. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | readonly (string | number | Html)[];

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const render = (part: Part): string => {
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(render).join('');
  return String(part).replace(/[&<>"']/g, (character) => ESCAPES[character]);
};

/** A template that escapes its values, except for those that are `Html` or lists of it. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(strings.map((text, i) => text + (i < parts.length ? render(parts[i]) : '')).join(''));

/** A number with fixed digits, or a dash if it is missing or not finite. */
export const number = (value: number | null | undefined, digits = 3): string =>
  Number.isFinite(value) ? (value as number).toFixed(digits) : '–';

/** An integer with thin spaces between thousands. */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');

/** A noun after a number. */
export const noun = (value: number, one: string, many = `${one}s`): string => (value === 1 ? one : many);

export const interval = ({ low, high }: Interval, digits = 2): Html =>
  !Number.isFinite(low) ? html`` : html` <small>${number(low, digits)}–${number(high, digits)}</small>`;

/** A table. A row of one cell becomes a heading of the rows below it. With `sum`, the last row is set off as their sum. */
export function table(
  head: readonly Part[],
  rows: readonly (readonly Part[])[],
  options: { sum?: boolean } = {},
): Html {
  const last = options.sum ? rows.length - 1 : -1;
  const cell = (part: Part) => html`<td>${part}</td>`;
  const line = (row: readonly Part[], i: number) =>
    row.length === 1
      ? html`<tr class="group"><th colspan="${head.length}">${row[0]}</th></tr>\n`
      : html`<tr class="${i === last ? 'sum' : ''}">${row.map(cell)}</tr>\n`;
  return html`<div class="scroll"><table><thead><tr>${head.map((part) => html`<th>${part}</th>`)}</tr></thead>
<tbody>${rows.map(line)}</tbody></table></div>`;
}

/** A figure with a caption. `svg` is used as it is. */
export const figure = (caption: Html | string, svg: string): Html =>
  html`<figure><figcaption>${caption}</figcaption>${new Html(svg)}</figure>`;

/** The key of a plot: a name for each color. */
export const key = (entries: [color: string, name: string][]): Html =>
  html`<div class="key">${entries.map(([color, name]) => html`<span><i style="border-color:${color}"></i>${name}</span>`)}</div>`;
