/** The boxes of `<raybox-overlay>`: their outlines, their buttons, and their labels. */
import { type Finding, heatRanks } from '../formats/findings.js';
import { placeLabel } from '../overlay/placement.js';
import { cssColor, type Outline, scaled } from './picture.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** How findings are drawn: those of the selected label, or all. Each label is written only once, at its hottest region. */
export function outlinesOf(
  findings: readonly Finding[],
  result: (Size & { readonly probabilities: Readonly<Record<string, number>> }) | null,
  selected: string | null,
): (Outline & { finding: Finding })[] {
  const { width = 1, height = 1, probabilities = {} } = result ?? {};
  const classes = Object.keys(probabilities);
  const rankOf = heatRanks(findings);
  const compare = (a: Finding, b: Finding) => (a.threshold ?? 0) - (b.threshold ?? 0) || (a.peak ?? 0) - (b.peak ?? 0);
  const named = new Map<string, Finding>();
  for (const finding of findings) {
    const known = named.get(finding.label);
    if (!known || compare(finding, known) > 0) named.set(finding.label, finding);
  }
  return findings
    .filter(({ label }) => selected === null || label === selected)
    .map((finding) => ({
      finding,
      box: scaled(finding.box, { width: 1 / width, height: 1 / height }),
      color: cssColor(classes.indexOf(finding.label)),
      rank: rankOf(finding),
      text: named.get(finding.label) === finding ? `${finding.label} ${finding.score.toFixed(2)}` : undefined,
    }));
}

/** A button in the place of a box. Its position and size are percentages of the picture. */
export function boxButton({ box, color, rank }: Outline, finding: Finding): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = rank === 0 ? 'box' : rank === 1 ? 'box dashed' : 'box dotted';
  button.setAttribute('part', 'box');
  button.dataset.label = finding.label;
  const percent = (share: number) => `${100 * share}%`;
  Object.assign(button.style, {
    left: percent(box.x),
    top: percent(box.y),
    width: percent(box.width),
    height: percent(box.height),
  });
  button.style.setProperty('--color', color);
  const { label, score, threshold, outsideLungs } = finding;
  const [x, y, width, height] = [finding.box.x, finding.box.y, finding.box.width, finding.box.height].map(Math.round);
  const heat = `${threshold === undefined ? '' : `, heat at or above ${threshold}`}${outsideLungs ? ', outside the lungs' : ''}`;
  const name = `${label}, score ${score.toFixed(2)}, ${width} by ${height} pixels at ${x}, ${y}${heat}`;
  button.setAttribute('aria-label', name);
  button.title = `${label} ${score.toFixed(2)}${heat}`;
  return button;
}

/** Places the labels so that none covers another. Labels for which there is no room are hidden. */
export function placeChips(layer: HTMLElement, outlines: readonly Outline[], area: Size): void {
  const chips = outlines.flatMap(({ box, color, text }) => {
    if (!text) return [];
    const chip = document.createElement('span');
    chip.textContent = text;
    chip.setAttribute('part', 'label');
    chip.style.setProperty('--color', color);
    chip.style.maxWidth = `${area.width}px`;
    return [{ chip, box }];
  });
  layer.replaceChildren(...chips.map(({ chip }) => chip));
  const taken: { x: number; y: number; width: number; height: number }[] = [];
  for (const { chip, box } of chips) {
    const size = { width: Math.ceil(chip.getBoundingClientRect().width), height: chip.offsetHeight };
    const place = placeLabel(size, scaled(box, area), { x: 0, y: 0, ...area }, taken);
    chip.hidden = !place;
    if (!place) continue;
    taken.push(place);
    Object.assign(chip.style, { left: `${place.x}px`, top: `${place.y}px` });
  }
}
