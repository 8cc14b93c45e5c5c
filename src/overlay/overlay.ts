/**
 * Draws what was found in an X-ray as one picture:
 * - the image with the heatmap of the most probable class, and the best boxes or all;
 * - below it, a small image for each class that has findings;
 * - beside it, the probabilities and the key.
 *
 * All functions work on pixels in memory only, without files or a browser's canvas.
 */

import { bestFindings, type Finding, heatRanks, notShown } from '../formats/findings.js';
import { checkImage } from '../formats/images/pixels.js';
import { type Canvas, copy, createCanvas, type Rect } from './canvas.js';
import { type Color, classColor } from './colors.js';
import type { OverlayInput } from './overlay_input.js';
import { boxOnCanvas, drawHeatmap, drawImage, drawMarks, lineStyle } from './pane.js';
import { drawPanel, panelHeight, panelWidth } from './panel.js';
import type { Font } from './text.js';

const BACKGROUND: Color = [18, 20, 24];
/** Bounds of the longer side of the drawn X-ray in pixels. The size of text is a fixed share of it. */
const MIN_SIDE = 768;
const MAX_SIDE = 1600;
const TILES_PER_ROW = 4;
const MAX_TILES = 12;
const MAX_LABELS = 8;

/** Draws the picture. Its size is that of the image, within bounds. @throws InputError if the image is not valid. */
export function drawOverlay(given: OverlayInput, font: Font): Canvas {
  checkImage(given.image);
  const all = given.findings;
  const input = given.boxes === 'all' ? given : { ...given, findings: bestFindings(all, given.image) };
  const { image, findings, probabilities } = input;
  const side = Math.max(image.width, image.height);
  const scale = Math.min(MAX_SIDE, Math.max(MIN_SIDE, side)) / side;
  const drawn = { width: fit(image.width * scale), height: fit(image.height * scale) };
  const size = Math.round(Math.max(drawn.width, drawn.height) / 50);
  const gap = size;

  const found = rankedClasses(findings, probabilities);
  const tiles = found.length > 1 ? tileSizes(drawn, found.length, gap) : undefined;
  const panel = panelWidth(size);
  const paneHeight = drawn.height + (tiles ? tiles.rows * (tiles.height + gap) : 0);
  const height = Math.max(paneHeight, panelHeight(input, size)) + 2 * gap;
  const canvas = createCanvas(drawn.width + panel + 3 * gap, height, BACKGROUND);

  const main: Rect = { x: gap, y: Math.round((height - paneHeight) / 2), ...drawn };
  drawImage(canvas, image, main);
  drawClasses(canvas, input, main, font, size, found);
  if (tiles) {
    const areas = found.slice(0, MAX_TILES).map((_, index) => ({
      x: main.x + (index % TILES_PER_ROW) * (tiles.width + gap),
      y: main.y + drawn.height + gap + Math.floor(index / TILES_PER_ROW) * (tiles.height + gap),
      ...tiles.size,
    }));
    drawImage(canvas, image, areas[0]);
    for (const { x, y } of areas.slice(1)) copy(canvas, areas[0], [x, y]);
    areas.forEach((area, index) => {
      drawClasses(canvas, input, area, font, Math.round(size * 0.75), [found[index]]);
    });
  }
  const right = { x: drawn.width + 2 * gap, y: gap, width: panel, height: height - 2 * gap };
  drawPanel(canvas, input, font, size, right, {
    found: rankedClasses(all, probabilities),
    hidden: notShown(all, findings),
  });
  return canvas;
}

const fit = (length: number) => Math.max(1, Math.round(length));

/** Classes that have findings, sorted by descending probability. */
function rankedClasses(findings: readonly Finding[], probabilities: OverlayInput['probabilities']): string[] {
  const scores = new Map<string, number>();
  for (const { label, score } of findings)
    scores.set(
      label,
      Object.hasOwn(probabilities, label) ? probabilities[label] : Math.max(score, scores.get(label) ?? 0),
    );
  return [...scores].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([label]) => label);
}

function tileSizes(drawn: { width: number; height: number }, count: number, gap: number) {
  const width = Math.floor((drawn.width - (TILES_PER_ROW - 1) * gap) / TILES_PER_ROW);
  const height = fit((drawn.height * width) / drawn.width);
  if (Math.min(width, height) < 40) return undefined;
  const rows = Math.ceil(Math.min(count, MAX_TILES) / TILES_PER_ROW);
  return { rows, width, height, size: { width, height } };
}

/** Draws the heatmap of the first of some classes, and the boxes of all of them. */
function drawClasses(
  canvas: Canvas,
  { image, findings, probabilities, heatmaps, heatmapScaling }: OverlayInput,
  area: Rect,
  font: Font,
  size: number,
  labels: readonly string[],
): void {
  const heatmap = heatmaps?.[labels[0]];
  if (heatmap) drawHeatmap(canvas, heatmap, area, heatmapScaling);
  const classes = Object.keys(probabilities);
  const rankOf = heatRanks(findings);
  const shown = findings
    .filter(({ label }) => labels.includes(label))
    .sort((a, b) => labels.indexOf(a.label) - labels.indexOf(b.label) || (b.peak ?? 0) - (a.peak ?? 0));
  // Only boxes of a class's highest heat threshold get a label, because each box of a lower threshold contains one of them. If there are
  // many, only the hottest box of each class gets one.
  const strong = shown.filter((finding) => rankOf(finding) === 0);
  const few = labels.length > 1 && strong.length <= MAX_LABELS;
  const labelled = new Set(few ? strong : labels.map((name) => strong.find(({ label }) => label === name)));
  const marks = shown.map((finding) => ({
    rect: boxOnCanvas(finding, image, area),
    color: classColor(classes.indexOf(finding.label)),
    line: lineStyle(rankOf(finding), Math.max(2, Math.round(size / 6))),
    ...(labelled.has(finding) ? { text: `${finding.label} ${finding.score.toFixed(2)}` } : {}),
  }));
  drawMarks(canvas, marks, area, font, size);
}
