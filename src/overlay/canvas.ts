/** An RGB picture and functions that draw on it. Drawings are cut off at its edges. */
import type { Image } from '../formats/images/pixels.js';
import type { Color } from './colors.js';

export interface Canvas extends Image {
  data: Uint8Array;
  channels: 3;
}

/** A rectangle in pixels of the canvas. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export function createCanvas(width: number, height: number, color: Color): Canvas {
  const canvas: Canvas = { data: new Uint8Array(width * height * 3), width, height, channels: 3 };
  fill(canvas, { x: 0, y: 0, width, height }, color);
  return canvas;
}

/** Mixes `color` into one pixel, which must lie on the canvas. */
export function blend(canvas: Canvas, x: number, y: number, color: Color, opacity: number): void {
  const at = (y * canvas.width + x) * 3;
  for (let i = 0; i < 3; i++) canvas.data[at + i] += (color[i] - canvas.data[at + i]) * opacity;
}

/** Fills a rectangle, whose edges are rounded to whole pixels. */
export function fill(canvas: Canvas, rect: Rect, color: Color, opacity = 1): void {
  const left = Math.max(0, Math.round(rect.x));
  const top = Math.max(0, Math.round(rect.y));
  const right = Math.min(canvas.width, Math.round(rect.x + rect.width));
  const bottom = Math.min(canvas.height, Math.round(rect.y + rect.height));
  if (left >= right || top >= bottom) return;
  if (opacity === 1) fillWhole(canvas, { x: left, y: top, width: right - left, height: bottom - top }, color);
  else for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) blend(canvas, x, y, color, opacity);
}

/** Fills a rectangle that lies on the canvas: the first row pixel by pixel, the others as copies of it. */
function fillWhole({ data, width }: Canvas, rect: Rect, color: Color): void {
  const first = (rect.y * width + rect.x) * 3;
  const end = first + rect.width * 3;
  for (let at = first; at < end; at++) data[at] = color[(at - first) % 3];
  for (let row = 1; row < rect.height; row++) data.copyWithin(first + row * width * 3, first, end);
}

/** Copies the rectangle `from` to another place. Both must lie on the canvas. */
export function copy(canvas: Canvas, from: Rect, [x, y]: readonly [number, number]): void {
  const start = (column: number, row: number) => (row * canvas.width + column) * 3;
  for (let row = 0; row < from.height; row++)
    canvas.data.copyWithin(start(x, y + row), start(from.x, from.y + row), start(from.x + from.width, from.y + row));
}

export interface Line {
  thickness: number;
  /** Lengths of the strokes and of the gaps between them. Default: no gaps. */
  dash?: readonly [stroke: number, gap: number];
}

/** Draws the outline of a rectangle just inside its edges. Nothing is drawn if its width or height is not above 0. */
export function outline(canvas: Canvas, rect: Rect, color: Color, line: Line): void {
  const { x, y, width, height } = rect;
  if (width <= 0 || height <= 0) return;
  const thickness = Math.max(1, Math.min(line.thickness, Math.floor(Math.min(width, height) / 2)));
  const [stroke, gap] = line.dash ?? [Math.max(width, height), 0];
  for (const side of [y, y + height - thickness])
    for (let at = 0; at < width; at += stroke + gap)
      fill(canvas, { x: x + at, y: side, width: Math.min(stroke, width - at), height: thickness }, color);
  for (const side of [x, x + width - thickness])
    for (let at = 0; at < height; at += stroke + gap)
      fill(canvas, { x: side, y: y + at, width: thickness, height: Math.min(stroke, height - at) }, color);
}
