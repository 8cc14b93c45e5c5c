/**
 * Polygons as masks, pixel by pixel as COCO does it (`frPyObjects` of pycocotools), so that a mask from a polygon is the same mask there.
 * Corners are points of the plane in which the pixel in the upper left corner covers [0, 1) × [0, 1).
 */
import { InputError } from '../../errors.js';
import { checkMaskSize, type Rle } from './rle.js';

/** Corners in turn: x, y, x, y, … */
export type Polygon = readonly number[];

/** The outline is drawn on a grid that is finer than the pixels by this factor. */
const FINER = 5;
/** The longest outline in pixels, about a hundred times the perimeter of an X-ray. */
export const MAX_LENGTH = 1_000_000;
/** Pixels by which a corner may lie outside of its image, because outlines are drawn by hand along its edge. */
const SLACK = 1;

/**
 * The mask of a polygon. A pixel is inside if a line that goes down through the middle of its column has crossed the outline an odd number of
 * times above it, so a part that the outline surrounds twice is outside.
 *
 * @throws InputError for fewer than three corners, and for corners outside of the image
 */
export function polygonMask(polygon: Polygon, width: number, height: number, where = 'a polygon'): Rle {
  checkMaskSize(width, height, where);
  refuseCorners(polygon, width, height, where);
  if (outlineLength(polygon) > MAX_LENGTH) {
    throw new InputError(`${where} has too long an outline`, { expected: `at most ${MAX_LENGTH} pixels` });
  }
  const fine = polygon.map((each) => Math.trunc(FINER * each + 0.5));
  const crossings = crossingsOf(fine, width, height).sort();
  const runs: number[] = [0];
  let [at, inside] = [0, false];
  const addRun = (length: number) => {
    if (length === 0) return;
    if (Number(inside) !== (runs.length - 1) % 2) runs.push(0);
    runs[runs.length - 1] += length;
  };
  for (const crossing of crossings) {
    addRun(crossing - at);
    at = crossing;
    inside = !inside;
  }
  addRun(width * height - at);
  return { width, height, runs: Uint32Array.from(runs) };
}

/** The length of an outline in pixels, of each side along its longer direction. The work on a polygon is proportional to it. */
export function outlineLength(polygon: Polygon): number {
  let length = 0;
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    length += Math.max(Math.abs(polygon[next] - polygon[i]), Math.abs(polygon[next + 1] - polygon[i + 1]));
  }
  return length;
}

/**
 * The pixels, counted down the columns, at which a column crosses the outline: from there on, pixels are on the other side of it. pycocotools
 * follows the outline step by step on the fine grid. Here each side is only looked at where it crosses the middle of a column.
 */
function crossingsOf(fine: readonly number[], width: number, height: number): Uint32Array {
  const places: number[] = [];
  const corners = fine.length / 2;
  const visit = (column: number, fineRow: number) => {
    const row = Math.ceil((fineRow + 0.5) / FINER - 0.5);
    if (column < width) places.push(column * height + Math.min(Math.max(row, 0), height));
  };
  for (let i = 0; i < corners; i++) {
    const next = (i + 1) % corners;
    eachCrossing(fine[2 * i], fine[2 * i + 1], fine[2 * next], fine[2 * next + 1], visit);
  }
  return Uint32Array.from(places);
}

/** The steps to the left and to the right of the middle of a column, in steps of the fine grid: 2 and 3 in the first column. */
const BEFORE_MIDDLE = (FINER - 1) / 2;

/**
 * Calls `visit` for each column whose middle a side crosses, with the row of the fine grid there: the upper one of the two steps. A side is
 * drawn from its smaller end, whichever way it is followed, so that two polygons share no pixel of a common side.
 */
function eachCrossing(
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  visit: (column: number, fineRow: number) => void,
): void {
  const [across, down] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
  if (across === 0) return;
  const isFlat = across >= down;
  const isBackward = isFlat ? x0 > x1 : y0 > y1;
  const [startX, startY, endX, endY] = isBackward ? [x1, y1, x0, y0] : [x0, y0, x1, y1];
  const slope = isFlat ? (endY - startY) / across : (endX - startX) / down;
  const rowAt = (step: number) => Math.trunc(startY + slope * step + 0.5);
  const columnAt = (step: number) => Math.trunc(startX + slope * step + 0.5);
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  for (let column = Math.max(0, Math.ceil((left - BEFORE_MIDDLE) / FINER)); ; column++) {
    const before = column * FINER + BEFORE_MIDDLE;
    if (before + 1 > right) return;
    if (isFlat) {
      visit(column, Math.min(rowAt(before - startX), rowAt(before + 1 - startX)));
      continue;
    }
    // The first step on the other side of the middle. It is estimated, and then corrected by the rounded columns.
    const isBeyond = (step: number) => (slope > 0 ? columnAt(step) > before : columnAt(step) <= before);
    let step = Math.round((before + 0.5 - startX) / slope);
    while (isBeyond(step - 1)) step -= 1;
    while (!isBeyond(step)) step += 1;
    visit(column, startY + step - 1);
  }
}

function refuseCorners(polygon: Polygon, width: number, height: number, where: string): void {
  if (polygon.length < 6 || polygon.length % 2 === 1 || !polygon.every(Number.isFinite)) {
    throw new InputError(`${where} is no polygon`, {
      expected: 'three corners or more, each of two numbers, x and y',
      given: `${polygon.length} numbers`,
    });
  }
  for (let i = 0; i < polygon.length; i += 2) {
    const [x, y] = [polygon[i], polygon[i + 1]];
    if (x >= -SLACK && y >= -SLACK && x <= width + SLACK && y <= height + SLACK) continue;
    throw new InputError(`${where} passes the edge of its image`, {
      expected: `corners within ${width} × ${height} pixels`,
      given: `${x}, ${y}`,
      hint: 'it may be drawn in a larger frame, which the option frame (--mask-frame) says, or on another image',
    });
  }
}

/** Programs fill a polygon whose outline crosses itself by different rules. Up to this share of its pixels the difference is accepted. */
const MAX_CROSSED = 0.05;

/**
 * The share of a polygon's pixels that its outline surrounds twice, or in the opposite direction to the rest. Programs disagree about these
 * pixels. 0 if no pixel is concerned.
 * @throws InputError if it is more than 5 %. The corners are then in a wrong order, or two outlines were written as one.
 */
export function crossedShare(polygon: Polygon, where = 'a polygon'): number {
  const rows = new Map<number, { x: number; turn: number }[]>();
  const corners = polygon.length / 2;
  for (let i = 0; i < corners; i++) {
    const next = (i + 1) % corners;
    const [x0, y0, x1, y1] = [polygon[2 * i], polygon[2 * i + 1], polygon[2 * next], polygon[2 * next + 1]];
    const turn = y1 > y0 ? 1 : -1;
    for (let row = Math.ceil(Math.min(y0, y1) - 0.5); row + 0.5 < Math.max(y0, y1); row++) {
      const crossing = { x: x0 + ((row + 0.5 - y0) * (x1 - x0)) / (y1 - y0), turn };
      const known = rows.get(row);
      if (known) known.push(crossing);
      else rows.set(row, [crossing]);
    }
  }
  // Pixels by how often the outline goes around them; clockwise and counterclockwise have different signs.
  const around = new Map<number, number>();
  for (const crossings of rows.values()) {
    crossings.sort((a, b) => a.x - b.x);
    let turns = 0;
    for (const [i, { x, turn }] of crossings.entries()) {
      turns += turn;
      if (turns === 0 || i + 1 === crossings.length) continue;
      const pixels = Math.ceil(crossings[i + 1].x - 0.5) - Math.ceil(x - 0.5);
      around.set(turns, (around.get(turns) ?? 0) + pixels);
    }
  }
  const once = Math.max(around.get(1) ?? 0, around.get(-1) ?? 0);
  const all = [...around.values()].reduce((sum, pixels) => sum + pixels, 0);
  const share = all === 0 ? 0 : (all - once) / all;
  if (share <= MAX_CROSSED) return share;
  throw new InputError(`${where} crosses itself`, {
    expected: 'an outline that surrounds its pixels once',
    given: `${Math.round(100 * share)} % of its pixels are surrounded twice, or in the opposite direction to the rest`,
    hint: 'write two outlines as two polygons, and corners in the order in which they follow each other',
  });
}
