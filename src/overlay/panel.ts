/** Draws the panel beside an X-ray: title, warning, the probability of each class, and what colours and lines mean. */
import { type Finding, heatRanks } from '../formats/findings.js';
import { type Canvas, fill, outline, type Rect } from './canvas.js';
import { type Color, classColor, inferno } from './colors.js';
import type { OverlayInput } from './overlay_input.js';
import { chipHeight, drawChip, lineStyle } from './pane.js';
import { drawText, type Font, measure, shorten } from './text.js';

const BRIGHT: Color = [238, 240, 244];
const DIM: Color = [150, 156, 168];
const TRACK: Color = [48, 52, 60];
const WARNING: Color = [255, 107, 107];

/** The most classes that are listed. */
const MAX_ROWS = 20;
/** Height of a row, as a multiple of the text size. */
const ROW = 1.75;

export const panelWidth = (size: number) => Math.round(size * 19);

/** The height in pixels that the panel needs. */
export function panelHeight({ probabilities, findings, notice }: OverlayInput, size: number): number {
  const rows = Math.min(MAX_ROWS + 1, Object.keys(probabilities).length);
  const keys = thresholdsByRank(findings).length;
  return Math.round(
    size * (3.6 + (notice ? 4 : 0) + rows * ROW + 1.5 + (findings.length > 0 ? 5 : 2) + keys * 1.8 + 3),
  );
}

/**
 * Draws the panel, beginning at the top of `area`.
 * @param shown.found the classes that have findings, also those of which none is drawn. The picture shows the heatmap of the first.
 * @param shown.hidden says how many findings and boxes are not drawn; empty if all are
 */
export function drawPanel(
  canvas: Canvas,
  input: OverlayInput,
  font: Font,
  size: number,
  area: Rect,
  { found, hidden }: { found: readonly string[]; hidden: string },
): void {
  const { image, title, notice, findings } = input;
  const { x, width } = area;
  let y = area.y + size;
  const line = (text: string, color: Color, scale = 1) => {
    drawText(canvas, font, shorten(font, text, size * scale, width), [x, y], size * scale, color);
    y += size * 1.5;
  };
  line(title, BRIGHT, 1.1);
  line(`${image.width} × ${image.height} pixels`, DIM, 0.85);
  y -= size * 0.4;
  for (const part of notice ? wrap(font, notice, size * 0.85, width - size) : []) {
    drawChip(
      canvas,
      font,
      part,
      size * 0.85,
      { x, y: y - size * 0.8, width, height: chipHeight(size * 0.85) },
      WARNING,
    );
    y += chipHeight(size * 0.85) - 1;
  }
  y += size;
  y = drawProbabilities(canvas, input, font, size, { ...area, y }, found);
  y += size * 1.2;
  if (found.length === 0) {
    line('No class reaches its threshold', DIM, 0.85);
    return;
  }
  line(`Heatmap: ${found[0]}`, DIM, 0.85);
  const ofHeatmap = findings.filter(({ label }) => label === found[0]).map(({ threshold = 0 }) => threshold);
  drawScale(canvas, font, size, { x, y: y - size * 0.8, width, height: size }, [...new Set(ofHeatmap)]);
  y += size * 2.6;
  for (const [rank, [least, most]] of thresholdsByRank(findings).entries()) {
    const style = lineStyle(rank, Math.max(2, Math.round(size / 6)));
    outline(canvas, { x, y: y - size * 0.95, width: size * 2, height: size * 1.2 }, BRIGHT, style);
    const text = `region with heat ≥ ${least === most ? least : `${least} to ${most}, by class`}`;
    drawText(canvas, font, text, [x + size * 2.7, y], size * 0.85, DIM);
    y += size * 1.8;
  }
  for (const part of hidden ? wrap(font, hidden, size * 0.85, width) : []) line(part, DIM, 0.85);
}

/**
 * Draws a row for each class, or for the most probable ones if there are many: its name, a bar with a tick at the threshold, and the number.
 * @returns the y at which the next line begins.
 */
function drawProbabilities(
  canvas: Canvas,
  { probabilities, operatingThresholds = {} }: OverlayInput,
  font: Font,
  size: number,
  { x, y: top, width }: Rect,
  found: readonly string[],
): number {
  let y = top;
  const classes = Object.keys(probabilities);
  const byProbability = [...classes].sort((a, b) => probabilities[b] - probabilities[a]);
  const shown = new Set(byProbability.slice(0, MAX_ROWS));
  const bar = { x: x + size * 10, width: width - size * 12.6 };
  for (const label of byProbability.filter((name) => shown.has(name))) {
    const probability = probabilities[label];
    const isFound = found.includes(label);
    const color = isFound ? classColor(classes.indexOf(label)) : DIM;
    fill(canvas, { x, y: y - size * 0.75, width: size * 0.8, height: size * 0.8 }, isFound ? color : TRACK);
    const name = shorten(font, label, size, bar.x - x - size * 1.6);
    drawText(canvas, font, name, [x + size * 1.2, y], size, isFound ? BRIGHT : DIM);
    const height = size * 0.5;
    fill(canvas, { x: bar.x, y: y - size * 0.6, width: bar.width, height }, TRACK);
    fill(canvas, { x: bar.x, y: y - size * 0.6, width: bar.width * (probability || 0), height }, color);
    const threshold = Object.hasOwn(operatingThresholds, label) ? operatingThresholds[label] : undefined;
    if (threshold !== undefined)
      fill(canvas, { x: bar.x + bar.width * threshold - 1, y: y - size * 0.8, width: 2, height: size * 0.9 }, BRIGHT);
    const number = probability.toFixed(2);
    drawText(canvas, font, number, [x + width - measure(font, number, size), y], size, isFound ? BRIGHT : DIM);
    y += size * ROW;
  }
  const more = classes.length - shown.size;
  if (more > 0) {
    drawText(canvas, font, `and ${more} less probable`, [x + size * 1.2, y], size * 0.85, DIM);
    y += size * ROW;
  }
  return y;
}

/** The lowest and the highest heat threshold of each rank: first those that are the highest ones of their classes. */
function thresholdsByRank(findings: readonly Finding[]): [least: number, most: number][] {
  const rankOf = heatRanks(findings);
  const ranges: [number, number][] = [];
  for (const finding of findings) {
    const { threshold = 0 } = finding;
    const [least, most] = ranges[rankOf(finding)] ?? [threshold, threshold];
    ranges[rankOf(finding)] = [Math.min(least, threshold), Math.max(most, threshold)];
  }
  return ranges;
}

/** Draws the colour map from 0 to 255, with ticks at the heat thresholds. */
function drawScale(canvas: Canvas, font: Font, size: number, rect: Rect, heatThresholds: readonly number[]): void {
  for (let i = 0; i < rect.width; i++)
    fill(canvas, { x: rect.x + i, y: rect.y, width: 1, height: rect.height }, inferno(i / (rect.width - 1)));
  const written: Rect[] = [];
  for (const value of [0, 255, ...heatThresholds]) {
    const at = rect.x + (value / 255) * (rect.width - 1);
    const text = String(value);
    const textWidth = measure(font, text, size * 0.75);
    const left = Math.min(rect.x + rect.width - textWidth, Math.max(rect.x, at - textWidth / 2));
    // The key has all thresholds, so that a number without room can be left out.
    const hasRoom = written.every(({ x, width }) => left > x + width + size / 4 || left + textWidth + size / 4 < x);
    if (hasRoom) {
      drawText(canvas, font, text, [left, rect.y + rect.height + size], size * 0.75, DIM);
      written.push({ x: left, y: rect.y, width: textWidth, height: size });
    }
    if (value > 0 && value < 255) fill(canvas, { x: at - 1, y: rect.y, width: 2, height: rect.height }, BRIGHT);
  }
}

/** Breaks text into lines that are at most `width` wide. A word that is wider is shortened. */
function wrap(font: Font, text: string, size: number, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length > 0 && measure(font, longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(shorten(font, word, size, width));
  }
  return lines;
}
