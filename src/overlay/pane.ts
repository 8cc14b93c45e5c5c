/** Draws one X-ray on the canvas, with a heatmap blended over it, boxes, and labels that do not cover each other. */

import type { Finding } from '../formats/findings.js';
import { withoutAlpha } from '../formats/images/alpha.js';
import type { Image } from '../formats/images/pixels.js';
import { type Canvas, fill, type Line, outline, type Rect } from './canvas.js';
import { type Color, inferno } from './colors.js';
import { shownRange } from './grey_range.js';
import { type Heatmap, type HeatmapScaling, heatLevels } from './heatmap.js';
import { placeLabel } from './placement.js';
import { resizePlane } from './resize.js';
import { drawText, type Font, measure, shorten } from './text.js';

const BLACK: Color = [0, 0, 0];
/** Red, green and blue of 256 levels of heat. */
const HEAT_COLORS = Float64Array.from(Array.from({ length: 256 }, (_, level) => inferno(level / 255)).flat());
const MAX_OPACITY = 0.6;

/** Draws the image into `area`. The values of 16-bit images are stretched so that the darkest is black and the brightest white. */
export function drawImage(canvas: Canvas, image: Image, area: Rect): void {
  const { data, width, height, channels } = withoutAlpha(image, image.bits);
  const [low, high] = shownRange(data);
  const planes = Array.from({ length: channels }, (_, channel) => {
    const plane = channels === 1 ? data : new Float32Array(width * height);
    if (plane !== data) for (let i = 0; i < plane.length; i++) plane[i] = data[i * channels + channel];
    return resizePlane(plane, [width, height], [area.width, area.height]);
  });
  const [red, green, blue] = channels > 1 ? planes : [planes[0], planes[0], planes[0]];
  const scale = 255 / Math.max(1, high - low);
  const { data: target } = canvas;
  const shown = cut(canvas, area);
  for (let y = 0; y < shown.height; y++) {
    let to = ((area.y + y) * canvas.width + area.x) * 3;
    for (let at = y * area.width, end = at + shown.width; at < end; at++, to += 3) {
      target[to] = (red[at] - low) * scale + 0.5;
      target[to + 1] = channels > 1 ? (green[at] - low) * scale + 0.5 : target[to];
      target[to + 2] = channels > 1 ? (blue[at] - low) * scale + 0.5 : target[to];
    }
  }
}

/** Blends a heatmap over `area`. The hotter a pixel, the more opaque it is. */
export function drawHeatmap(canvas: Canvas, heatmap: Heatmap, area: Rect, scaling?: HeatmapScaling): void {
  const levels = heatLevels(heatmap, [area.width, area.height], scaling);
  if (!levels) return;
  const { data: target } = canvas;
  const shown = cut(canvas, area);
  for (let y = 0; y < shown.height; y++) {
    let to = ((area.y + y) * canvas.width + area.x) * 3;
    for (let at = y * area.width, end = at + shown.width; at < end; at++, to += 3) {
      const heat = levels[at];
      if (heat === 0) continue;
      const color = Math.round(heat * 255) * 3;
      const opacity = MAX_OPACITY * heat;
      const [red, green, blue] = [target[to], target[to + 1], target[to + 2]];
      // Fractions are cut off here, because it is faster than to let the array do it.
      target[to] = (red + (HEAT_COLORS[color] - red) * opacity) | 0;
      target[to + 1] = (green + (HEAT_COLORS[color + 1] - green) * opacity) | 0;
      target[to + 2] = (blue + (HEAT_COLORS[color + 2] - blue) * opacity) | 0;
    }
  }
}

/** The size of the part of an area that lies on the canvas. The area must begin on the canvas. */
const cut = (canvas: Canvas, { x, y, width, height }: Rect) => ({
  width: Math.min(width, canvas.width - x),
  height: Math.min(height, canvas.height - y),
});

/** A box in pixels of the canvas, and how it is drawn. */
export interface Mark {
  rect: Rect;
  color: Color;
  line: Line;
  text?: string;
}

/** The line style for the boxes of a heat threshold, by its rank among those of the class: solid for the highest, and shorter dashes for lower ones. */
export function lineStyle(rank: number, thickness: number): Line {
  if (rank === 0) return { thickness };
  const stroke = Math.max(2, Math.round((thickness * 5) / rank));
  const gap = Math.max(2, Math.round(stroke * 0.7));
  return { thickness: Math.max(1, Math.round(thickness * 0.7)), dash: [stroke, gap] };
}

/** Maps a finding's box from the image to the area where the image is drawn. */
export function boxOnCanvas({ box }: Finding, image: Image, area: Rect): Rect {
  const [scaleX, scaleY] = [area.width / image.width, area.height / image.height];
  const left = Math.round(area.x + box.x * scaleX);
  const top = Math.round(area.y + box.y * scaleY);
  return {
    x: left,
    y: top,
    width: Math.max(1, Math.round(area.x + (box.x + box.width) * scaleX) - left),
    height: Math.max(1, Math.round(area.y + (box.y + box.height) * scaleY) - top),
  };
}

/** Draws outlines, the largest first, and then the labels of those marks that have a text, in the given order. */
export function drawMarks(canvas: Canvas, marks: readonly Mark[], area: Rect, font: Font, size: number): void {
  const surface = ({ rect }: Mark) => rect.width * rect.height;
  for (const { rect, color, line } of [...marks].sort((a, b) => surface(b) - surface(a))) {
    // A dark rim on both sides keeps the line visible on bright bones and bright heat.
    const grow = (by: number) => ({
      x: rect.x - by,
      y: rect.y - by,
      width: rect.width + 2 * by,
      height: rect.height + 2 * by,
    });
    outline(canvas, intersect(grow(1), area), BLACK, { ...line, thickness: line.thickness + 2 });
    outline(canvas, intersect(rect, area), color, line);
  }
  const taken: Rect[] = [];
  for (const { rect, color, text } of marks) {
    if (!text) continue;
    const width = Math.ceil(measure(font, text, size) + size * 0.6);
    const place = placeLabel({ width, height: chipHeight(size) }, rect, area, taken);
    if (!place) continue;
    taken.push(place);
    drawChip(canvas, font, shorten(font, text, size, place.width - size * 0.6), size, place, color);
  }
}

/** Draws text on a coloured background with a black rim. */
export function drawChip(canvas: Canvas, font: Font, text: string, size: number, rect: Rect, color: Color): void {
  fill(canvas, rect, BLACK);
  fill(canvas, { x: rect.x + 1, y: rect.y + 1, width: rect.width - 2, height: rect.height - 2 }, color);
  drawText(canvas, font, text, [rect.x + size * 0.3, rect.y + size * 1.08], size, BLACK);
}

export const chipHeight = (size: number) => Math.round(size * 1.4);

function intersect(a: Rect, b: Rect): Rect {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  return {
    x,
    y,
    width: Math.min(a.x + a.width, b.x + b.width) - x,
    height: Math.min(a.y + a.height, b.y + b.height) - y,
  };
}
