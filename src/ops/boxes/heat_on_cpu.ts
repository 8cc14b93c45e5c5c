/**
 * From a heatmap to boxes on the CPU, in float64: the reference for the kernels, and what a localizer without a GPU runs. The work at pixels is done
 * in functions for one row, which allocate nothing, and which are called so often that they are compiled during the first map.
 */
import { FLAT, type HeatFrame, type HeatScaling, heatPositions, type MapState, SMALLEST_RANGE } from './heat.js';
import { findRegions, type Region } from './regions_on_cpu.js';

export interface Heat {
  /** The pixels of the image that the network saw. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Heat of each of them, row by row. */
  readonly values: Float64Array;
  /** The first and the last row between any two rows of cells. Heat is linear in between, so its extremes lie in these rows. */
  readonly outerRows: readonly number[];
}

/** For each position the cell before it, and how far it is from there to the next cell, 0 … 1. */
interface Positions {
  readonly cells: Int32Array;
  readonly parts: Float64Array;
}

function positionsOf(count: number, at: (index: number) => number): Positions {
  const cells = new Int32Array(count);
  const parts = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const position = at(index);
    cells[index] = Math.floor(position);
    parts[index] = position - cells[index];
  }
  return { cells, parts };
}

/** A row of `count` cells, from `first` on, at the columns of the image. */
function stretchRow(row: Float64Array, map: ArrayLike<number>, first: number, count: number, columns: Positions): void {
  const { cells, parts } = columns;
  for (let x = 0; x < row.length; x++) {
    const cell = cells[x];
    const value = map[first + cell];
    const next = cell + 1 < count ? map[first + cell + 1] : value;
    row[x] = value + (next - value) * parts[x];
  }
}

function mixRows(values: Float64Array, at: number, above: Float64Array, below: Float64Array, part: number): void {
  for (let x = 0; x < above.length; x++) values[at + x] = above[x] + (below[x] - above[x]) * part;
}

/**
 * A heatmap of h × w cells at the pixels of its image: bilinear, half-pixel centres.
 * @param into is filled with the values instead of a new array, if it is of the right length
 */
export function heatOfImage(
  map: ArrayLike<number>,
  mapHeight: number,
  mapWidth: number,
  frame: HeatFrame,
  into?: Float64Array,
): Heat {
  const { seen, column, row } = heatPositions(frame, mapHeight, mapWidth);
  const { x: left, y: top, width, height } = seen;
  const values = into?.length === width * height ? into : new Float64Array(width * height);
  const columns = positionsOf(width, column);
  const rows = positionsOf(height, row);
  const outerRows: number[] = [];
  let [above, below] = [new Float64Array(width), new Float64Array(width)];
  let held = -2; // the row of cells in `above`; −2: none yet, so that row 0 does not count as the next one
  for (let y = 0; y < height; y++) {
    const cell = rows.cells[y];
    if (cell !== held) {
      if (cell === held + 1) [above, below] = [below, above];
      else stretchRow(above, map, cell * mapWidth, mapWidth, columns);
      stretchRow(below, map, Math.min(cell + 1, mapHeight - 1) * mapWidth, mapWidth, columns);
    }
    if (cell !== held || y + 1 === height || rows.cells[y + 1] !== cell) outerRows.push(y);
    held = cell;
    mixRows(values, y * width, above, below, rows.parts[y]);
  }
  return { left, top, width, height, values, outerRows };
}

const MAX_F32 = 3.4028234663852886e38;

/** The range by which a map is scaled: `low` becomes 0, `high` becomes 255. */
export interface HeatRange {
  readonly state: MapState;
  readonly low: number;
  readonly high: number;
}

export function rangeOfHeat(map: ArrayLike<number>, heat: Heat, scaling: HeatScaling): HeatRange {
  let magnitude = 0;
  for (let i = 0; i < map.length; i++) {
    if (!Number.isFinite(map[i])) return { state: 'not finite', low: 0, high: 0 };
    magnitude = Math.max(magnitude, Math.abs(map[i]));
  }
  let [least, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of heat.outerRows) {
    for (let at = row * heat.width; at < (row + 1) * heat.width; at++) {
      least = Math.min(least, heat.values[at]);
      high = Math.max(high, heat.values[at]);
    }
  }
  // A range that overflows f32 counts as not finite, because it is infinite in the kernels.
  if (high - least > MAX_F32) return { state: 'not finite', low: 0, high: 0 };
  const low = scaling === 'min_max' ? least : 0;
  const flat = high - least <= Math.max(magnitude * FLAT, SMALLEST_RANGE) || high - low <= SMALLEST_RANGE;
  return { state: flat ? 'flat' : 'scaled', low, high };
}

/** Scales heat to 0 … 255 in place. A map whose state is not `scaled` becomes zeros. */
export function scaleHeat({ values, width, height }: Heat, { state, low, high }: HeatRange): void {
  if (state !== 'scaled') values.fill(0);
  else for (let row = 0; row < height; row++) scaleRow(values, row * width, (row + 1) * width, low, high - low);
}

function scaleRow(values: Float64Array, from: number, to: number, low: number, extent: number): void {
  for (let at = from; at < to; at++) {
    const share = (values[at] - low) / extent;
    values[at] = share <= 0 ? 0 : share >= 1 ? 255 : share * 255;
  }
}

/**
 * Boxes of one heatmap, for each threshold: what `extractBoxes` computes on the GPU. Regions are in pixels of the image.
 * @param map of mapHeight × mapWidth cells
 * @param into see `heatOfImage`
 */
export function boxesOfHeatmap(
  map: ArrayLike<number>,
  mapHeight: number,
  mapWidth: number,
  options: HeatFrame & { heatThresholds: readonly number[]; scaling: HeatScaling },
  into?: Float64Array,
): { state: MapState; scaled: Heat; regions: Region[][] } {
  const heat = heatOfImage(map, mapHeight, mapWidth, options, into);
  const range = rangeOfHeat(map, heat, options.scaling);
  scaleHeat(heat, range);
  const regions = options.heatThresholds.map((threshold) => {
    if (range.state !== 'scaled') return [];
    const found = findRegions(heat.values, heat.width, heat.height, threshold);
    return found.map((region) => ({ ...region, x: region.x + heat.left, y: region.y + heat.top }));
  });
  return { state: range.state, scaled: heat, regions };
}
