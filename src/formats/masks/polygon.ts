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
  const { starts, places, turns } = rowCrossings(polygon);
  // Pixels by how often the outline goes around them; clockwise and counterclockwise have different signs.
  const around = new Map<number, number>();
  for (let row = 0; row + 1 < starts.length; row++) {
    let turned = 0;
    for (let i = starts[row]; i + 1 < starts[row + 1]; i++) {
      turned += turns[i];
      const pixels = Math.ceil(places[i + 1] - 0.5) - Math.ceil(places[i] - 0.5);
      if (turned !== 0) around.set(turned, (around.get(turned) ?? 0) + pixels);
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

interface RowCrossings {
  /** For each row of pixels where its crossings begin in the arrays, and at the end their number. */
  readonly starts: Uint32Array;
  /** The x of each crossing. Those of a row go from left to right. */
  readonly places: Float64Array;
  /** For each crossing whether the outline goes down there (1) or up (-1). */
  readonly turns: Int8Array;
}

/** Where an outline crosses the middles of rows. Outlines of large images have thousands of rows, so that an array for each would take long. */
function rowCrossings(polygon: Polygon): RowCrossings {
  const heights = polygon.filter((_, i) => i % 2 === 1);
  const first = Math.ceil(heights.reduce((least, y) => Math.min(least, y), Infinity) - 0.5);
  const last = Math.ceil(heights.reduce((most, y) => Math.max(most, y), -Infinity) - 0.5);
  const starts = new Uint32Array(last - first + 2);
  eachRowCrossing(polygon, (row) => {
    starts[row - first + 1] += 1;
  });
  for (let row = 1; row < starts.length; row++) starts[row] += starts[row - 1];
  const filled = starts.slice();
  const places = new Float64Array(starts[starts.length - 1]);
  const turns = new Int8Array(places.length);
  eachRowCrossing(polygon, (row, x, turn) => {
    const at = filled[row - first]++;
    places[at] = x;
    turns[at] = turn;
  });
  for (let row = 0; row + 1 < starts.length; row++) sortRow(places, turns, starts[row], starts[row + 1]);
  return { starts, places, turns };
}

/** Sorts the crossings of a row by their places. */
function sortRow(places: Float64Array, turns: Int8Array, from: number, to: number): void {
  let at = from + 1;
  while (at < to && places[at - 1] <= places[at]) at++;
  if (at >= to) return;
  const [before, beforeTurns] = [places.slice(from, to), turns.slice(from, to)];
  const order = [...before.keys()].sort((a, b) => before[a] - before[b]);
  for (const [i, one] of order.entries()) {
    places[from + i] = before[one];
    turns[from + i] = beforeTurns[one];
  }
}

/** Calls `visit` for each crossing of a side with the middle of a row. */
function eachRowCrossing(polygon: Polygon, visit: (row: number, x: number, turn: number) => void): void {
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    const [x0, y0, x1, y1] = [polygon[i], polygon[i + 1], polygon[next], polygon[next + 1]];
    for (let row = Math.ceil(Math.min(y0, y1) - 0.5); row + 0.5 < Math.max(y0, y1); row++)
      visit(row, x0 + ((row + 0.5 - y0) * (x1 - x0)) / (y1 - y0), y1 > y0 ? 1 : -1);
  }
}
