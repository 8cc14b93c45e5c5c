/** What the operations from heatmaps to boxes share: the position of heat in the image, and the scaling of a map. */
import { InputError } from '../../errors.js';
import {
  areHeatThresholds,
  type HeatThresholds,
  isByClass,
  MAX_HEAT_THRESHOLDS,
} from '../../formats/heat_thresholds.js';
import { createTensor } from '../../graph/ir/graph.js';
import { describeShape, type Tensor } from '../../graph/ir/tensor.js';
import { type Fit, frameOf, NOWHERE, positionTable, type Rectangle, type Span, seenPixels } from '../images/frame.js';

/** The image that the heatmaps belong to. */
export interface HeatFrame {
  /** Pixels of the original image. */
  readonly width: number;
  readonly height: number;
  /** Side of the network's input. It matters only for `pad`, whose rounding depends on it. */
  readonly size: number;
  readonly fit: Fit;
}

/**
 * min_max: the smallest heat of a map in the image becomes 0, the largest 255. relu_max: heat of zero and below becomes 0, the largest
 * 255; a map that is nowhere positive has no boxes.
 */
export type HeatScaling = 'min_max' | 'relu_max';

/**
 * The states of a map, by their numbers: scaled; closed, because of its probability; flat, because it varies by less than 2⁻²⁰ of its
 * largest magnitude (which may be rounding alone) or, with relu_max, is nowhere positive; not finite, because it has a NaN, an infinity or
 * a range beyond f32. Only scaled maps have boxes.
 */
export const MAP_STATES = ['scaled', 'closed', 'flat', 'not finite'] as const;

export type MapState = (typeof MAP_STATES)[number];

/** A map is flat if its heat varies by at most this share of its largest magnitude: that may be rounding alone. */
export const FLAT = 2 ** -20;

/** A smaller range counts as flat, because 255 divided by it would overflow f32. `SMALLEST` in heatmap_range_merge.wgsl is the same number. */
export const SMALLEST_RANGE = 1.2e-36;

/** The positions of pixels, in cells from the centre of the first cell. Beyond the outer centres, positions are clamped to them. */
export interface HeatPositions {
  /** The pixels of the image that the network saw. Heat is known there only. */
  readonly seen: Rectangle;
  /** The position of a column of `seen`; `row` gives that of a row. */
  column(index: number): number;
  row(index: number): number;
}

export function heatPositions(
  { width, height, size, fit }: HeatFrame,
  mapHeight: number,
  mapWidth: number,
): HeatPositions {
  const frame = frameOf(width, height, size, fit);
  const seen = seenPixels(frame);
  // A single division of whole numbers, so that positions are exactly the centres of cells if a map is as large as its image.
  const place = ({ from, length, start, target }: Span, pixel: number, cells: number) => {
    const across = (2 * (pixel - from) + 1) * target + 2 * start * length;
    return Math.min(Math.max((across * cells) / (2 * length * size) - 0.5, 0), cells - 1);
  };
  return {
    seen,
    column: (index) => place(frame.x, seen.x + index, mapWidth),
    row: (index) => place(frame.y, seen.y + index, mapHeight),
  };
}

/** Tables of positions for kernels, columns then rows. */
export interface HeatTables {
  readonly seen: Rectangle;
  /** Positions of all pixels that the network saw. */
  readonly places: Tensor;
  /** Positions of the first and the last pixel between any two cells. Extremes of the interpolated heat lie there. */
  readonly corners: { readonly places: Tensor; readonly columns: number; readonly rows: number };
  /** Positions of all pixels of the image; `NOWHERE` for those that the network did not see. */
  readonly whole: Tensor;
}

export function heatTables(frame: HeatFrame, mapHeight: number, mapWidth: number): HeatTables {
  const { seen, column, row } = heatPositions(frame, mapHeight, mapWidth);
  const columns = positionTable(seen.width, column);
  const rows = positionTable(seen.height, row);
  const [left, top] = [corners(columns), corners(rows)];
  const within = (index: number, from: number, length: number, at: (index: number) => number) =>
    index >= from && index < from + length ? at(index - from) : undefined;
  return {
    seen,
    get places() {
      return tableTensor(columns, rows);
    },
    get corners() {
      return { places: tableTensor(left, top), columns: left.length / 2, rows: top.length / 2 };
    },
    get whole() {
      return tableTensor(
        positionTable(frame.width, (index) => within(index, seen.x, seen.width, column)),
        positionTable(frame.height, (index) => within(index, seen.y, seen.height, row)),
      );
    },
  };
}

function corners(table: Uint32Array): Uint32Array {
  const kept: number[] = [];
  for (let at = 0; at < table.length; at += 2) {
    const ends = table[at] !== (table[at - 2] ?? NOWHERE) || table[at] !== (table[at + 2] ?? NOWHERE);
    if (ends) kept.push(table[at], table[at + 1]);
  }
  return Uint32Array.from(kept);
}

function tableTensor(columns: Uint32Array, rows: Uint32Array): Tensor {
  const shape = [(columns.length + rows.length) / 2, 2];
  const data = new Uint32Array(columns.length + rows.length);
  data.set(columns);
  data.set(rows, columns.length);
  return createTensor('positions', 'constant', { shape, layout: 'dense', type: 'u32' }, data);
}

/** Checks the frame, heatmaps [n, classes, h, w] and the ranges [n · classes, 4] that belong to them. */
export function checkHeatmaps({ width, height, size, fit }: HeatFrame, heatmaps: Tensor, ranges?: Tensor): void {
  frameOf(width, height, size, fit); // throws for impossible sizes
  if (heatmaps.shape.length !== 4 || heatmaps.layout !== 'dense' || heatmaps.type !== 'f32') {
    throw new InputError('heatmaps', { expected: 'dense f32 [n, classes, h, w]', given: describeShape(heatmaps) });
  }
  const maps = mapCount(heatmaps);
  if (maps > 65_535) throw new InputError('too many heatmaps at once', { expected: 'at most 65535', given: `${maps}` });
  if (ranges && (ranges.shape.join() !== `${maps},4` || ranges.layout !== 'dense' || ranges.type !== 'f32')) {
    throw new InputError('ranges of the heatmaps', { expected: `dense f32[${maps}×4]`, given: describeShape(ranges) });
  }
}

export const mapCount = ({ shape }: Tensor) => shape[0] * shape[1];

/**
 * @param classes of the heatmaps; lists by class have to be as many
 * @throws InputError unless each list has 1 to 16 numbers, all different, in (0, 255]
 */
export function checkHeatThresholds(heatThresholds: HeatThresholds, classes = 1): void {
  const lists = isByClass(heatThresholds) ? heatThresholds : [heatThresholds];
  const wrong = lists.filter((list) => !areHeatThresholds(list));
  if (wrong.length > 0) {
    throw new InputError('heatThresholds', {
      expected: `1 to ${MAX_HEAT_THRESHOLDS} different numbers above 0, up to 255`,
      given: [wrong[0]].flat().join(', ') || 'none',
    });
  }
  if (lists.length > 1 && lists.length !== classes) {
    const expected = `one list, or ${classes}, one for each class`;
    throw new InputError('heatThresholds', { expected, given: `${lists.length} lists` });
  }
}
