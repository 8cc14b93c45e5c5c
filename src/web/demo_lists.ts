/** The lists of the demo page: a bar for each class, and a row for each finding. */
import type { Finding } from '../formats/findings.js';
import type { Warning } from '../warnings.js';
import { cssColor } from './picture.js';

/** Makes an element with a class and with children. */
function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/** Fills the list of warnings, and hides it if there are none. */
export function renderWarnings(list: HTMLElement, warnings: readonly Warning[]): void {
  list.replaceChildren(...warnings.map(({ message }) => element('li', '', message)));
  list.hidden = warnings.length === 0;
}

/** Empties the lists, which belong to another image. */
export function clearLists(): void {
  for (const list of document.querySelectorAll('#bars, #findings tbody, #count, #bars-end, #rest'))
    list.replaceChildren();
}

export interface Bar {
  label: string;
  probability: number;
  threshold: number;
  found: boolean;
}

/** Where bars may end. Calibrated probabilities of rare findings are low, and would be invisible on bars that end at 1. */
const ENDS = [0.1, 0.25, 0.5, 1];

/** The probability at which all bars end, so that each probability and threshold is on them. */
export const endOfBars = (bars: readonly Bar[]): number =>
  ENDS.find((end) => bars.every(({ probability, threshold }) => Math.max(probability, threshold) <= end)) ?? 1;

/** Fills the list with a toggle button for each class, in the order of the network's outputs. */
export function renderBars(
  list: HTMLElement,
  bars: readonly Bar[],
  selected: string | null,
  onSelect: (label: string | null) => void,
): void {
  const focused = list.querySelector<HTMLElement>(':focus')?.dataset.label;
  const end = endOfBars(bars);
  const digits = end < 0.5 ? 3 : 2;
  const items = bars.map(({ label, probability, threshold, found }, index) => {
    const fill = element('span', 'fill');
    fill.style.width = `${(100 * probability) / end}%`;
    const tick = element('span', 'tick');
    tick.style.left = `${(100 * threshold) / end}%`;
    const button = element(
      'button',
      found ? 'found' : '',
      element('span', 'swatch'),
      element('span', 'name', label),
      element('span', 'bar', fill, tick),
      element('span', 'number', probability.toFixed(digits)),
    );
    button.type = 'button';
    button.dataset.label = label;
    button.style.setProperty('--color', cssColor(index));
    button.title = `${label}: ${probability.toFixed(4)}, threshold ${threshold.toFixed(4)}`;
    button.setAttribute('aria-pressed', String(label === selected));
    button.setAttribute(
      'aria-label',
      `${label}, probability ${probability.toFixed(digits)}, threshold ${threshold.toFixed(digits)}`,
    );
    button.addEventListener('click', () => onSelect(label === selected ? null : label));
    return element('li', '', button);
  });
  list.replaceChildren(...items);
  if (focused) list.querySelector<HTMLElement>(`[data-label="${CSS.escape(focused)}"]`)?.focus();
}

/** Fills the table of findings. A click on the name of a finding calls `onOpen`. */
export function renderFindings(
  body: HTMLElement,
  findings: readonly Finding[],
  classes: readonly string[],
  selected: string | null,
  onOpen: (finding: Finding) => void,
): void {
  const rows = findings.map((finding) => {
    const { label, score, threshold, box, outsideLungs } = finding;
    const name = element('button', '', element('span', 'swatch'), label);
    name.type = 'button';
    name.style.setProperty('--color', cssColor(classes.indexOf(label)));
    name.addEventListener('click', () => onOpen(finding));
    const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(Math.round);
    const row = element(
      'tr',
      '',
      element('td', '', name),
      element('td', '', score.toFixed(2)),
      element('td', '', threshold === undefined ? '' : `≥ ${threshold}`),
      element('td', '', `${x}, ${y}, ${width} × ${height}${outsideLungs ? ', outside the lungs' : ''}`),
    );
    row.setAttribute('aria-selected', String(label === selected));
    return row;
  });
  body.replaceChildren(...rows);
}
