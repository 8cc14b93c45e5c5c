/**
 * Draws text from the outlines of a font. The share of each pixel that is covered is computed exactly: every edge of an outline adds the
 * signed area to its right, and a running sum along each row turns these into coverage (the accumulation buffer of Levien's font-rs, 2016).
 */
import { blend, type Canvas } from './canvas.js';
import type { Color } from './colors.js';

/** What drawing needs to know about a font. Lengths are in font units, and y points upwards. */
export interface Font {
  unitsPerEm: number;
  glyph(codePoint: number): Glyph;
}

export interface Glyph {
  advance: number;
  /** Path commands as in SVG: M x y, L x y, Q cx cy x y, C cx cy cx cy x y, Z. */
  commands: readonly (readonly [command: 'M' | 'L' | 'Q' | 'C' | 'Z', ...numbers: number[]])[];
}

/** The number of straight pieces that replace a curve. At usual text sizes the error is far below a hundredth of a pixel. */
const CURVE_PIECES = 6;

/** The width in pixels of a line of text, at a font size in pixels. */
export function measure(font: Font, text: string, size: number): number {
  return glyphs(font, text).reduce((sum, { advance }) => sum + advance, 0) * (size / font.unitsPerEm);
}

/** The text, or if it is wider than `width`, its beginning with an ellipsis. */
export function shorten(font: Font, text: string, size: number, width: number): string {
  if (measure(font, text, size) <= width) return text;
  const letters = [...text];
  while (letters.length > 0 && measure(font, `${letters.join('')}…`, size) > width) letters.pop();
  return letters.length > 0 ? `${letters.join('')}…` : '';
}

/** Draws a line of text that begins at `x`, on the given baseline. */
export function drawText(
  canvas: Canvas,
  font: Font,
  text: string,
  [x, baseline]: readonly [number, number],
  size: number,
  color: Color,
): void {
  const scale = size / font.unitsPerEm;
  const left = Math.floor(x - size);
  const top = Math.floor(baseline - 1.5 * size);
  const width = Math.ceil(measure(font, text, size) + 2 * size) + 2;
  const height = Math.ceil(2.5 * size);
  const area = { sums: new Float32Array(width * height + 1), width, height };
  let pen = x - left;
  for (const { advance, commands } of glyphs(font, text)) {
    const origin = pen;
    traceEdges(commands, (x0, y0, x1, y1) => {
      const row = (y: number) => baseline - top - y * scale;
      addEdge(area, origin + x0 * scale, row(y0), origin + x1 * scale, row(y1));
    });
    pen += advance * scale;
  }
  for (let row = 0; row < height; row++) {
    let sum = 0;
    for (let column = 0; column < width; column++) {
      sum += area.sums[row * width + column];
      const coverage = Math.min(1, Math.abs(sum));
      const [px, py] = [left + column, top + row];
      if (coverage > 0.004 && px >= 0 && py >= 0 && px < canvas.width && py < canvas.height)
        blend(canvas, px, py, color, coverage);
    }
  }
}

function glyphs(font: Font, text: string): Glyph[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters have no glyph
  return [...text.replace(/[\u0000-\u001f\u007f]+/g, ' ')].map((letter) => font.glyph(letter.codePointAt(0)!));
}

type Edge = (x0: number, y0: number, x1: number, y1: number) => void;

/** Calls `edge` for every straight edge of an outline. Contours are closed, and curves are cut into straight pieces. */
function traceEdges(commands: Glyph['commands'], edge: Edge): void {
  let [x, y, startX, startY] = [0, 0, 0, 0];
  const lineTo = (toX: number, toY: number) => {
    edge(x, y, toX, toY);
    [x, y] = [toX, toY];
  };
  for (const [command, ...numbers] of commands) {
    if (command === 'M') {
      lineTo(startX, startY);
      [x, y] = [startX, startY] = numbers as [number, number];
    } else if (command === 'Z') lineTo(startX, startY);
    else {
      const points = [x, y, ...numbers];
      const pieces = command === 'L' ? 1 : CURVE_PIECES;
      for (let i = 1; i <= pieces; i++) lineTo(...pointOn(points, i / pieces));
    }
  }
  lineTo(startX, startY);
}

/** The point at `t` of a Bézier curve of any degree, by de Casteljau's construction. */
function pointOn(points: readonly number[], t: number): [number, number] {
  let level = points;
  while (level.length > 2) {
    const current = level;
    level = current.slice(0, -2).map((value, i) => value + (current[i + 2] - value) * t);
  }
  return [level[0], level[1]];
}

interface Area {
  sums: Float32Array;
  width: number;
  height: number;
}

function addEdge({ sums, width, height }: Area, x0: number, y0: number, x1: number, y1: number): void {
  if (y0 === y1) return;
  const direction = y0 < y1 ? 1 : -1;
  const [topX, topY, bottomX, bottomY] = y0 < y1 ? [x0, y0, x1, y1] : [x1, y1, x0, y0];
  const slope = (bottomX - topX) / (bottomY - topY);
  const inside = (x: number) => Math.min(width - 1, Math.max(0, x));
  for (let row = Math.max(0, Math.floor(topY)); row < Math.min(height, Math.ceil(bottomY)); row++) {
    const from = Math.max(topY, row);
    const to = Math.min(bottomY, row + 1);
    const signed = direction * (to - from);
    const a = inside(topX + (from - topY) * slope);
    const b = inside(topX + (to - topY) * slope);
    const [left, right] = a < b ? [a, b] : [b, a];
    const start = Math.floor(left);
    const cells = Math.max(1, Math.ceil(right) - start);
    // `total` is the coverage that the running sum must have reached in each cell, so the cell gets the difference from the one before.
    let reached = 0;
    for (let k = 0; k < cells; k++) {
      const total = signed * averageCoverage(left, right, start + k);
      sums[row * width + start + k] += total - reached;
      reached = total;
    }
    sums[row * width + start + cells] += signed - reached;
  }
}

/** The area of the cell [x, x + 1) that lies to the right of an edge which runs from `left` to `right`, per unit of height. */
function averageCoverage(left: number, right: number, x: number): number {
  if (right - left < 1e-6) return Math.min(1, Math.max(0, x + 1 - left));
  const until = (limit: number) => {
    const clamped = Math.min(right, Math.max(left, limit));
    // The integral, along the edge, of the distance by which it lies left of `limit`.
    return (limit - clamped) * (clamped - left) + (clamped - left) ** 2 / 2;
  };
  return (until(x + 1) - until(x)) / (right - left);
}
