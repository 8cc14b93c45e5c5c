/**
 * Heatmaps at the size of the truth that they are compared with, in float64. The two protocols that are followed here enlarge them in
 * different ways, each without smoothing where a map is made smaller:
 * - bilinear, as CheXlocalize does (PyTorch's `interpolate`, `align_corners=False`);
 * - cubic, as Choe et al. do (OpenCV's `INTER_CUBIC`: Keys' kernel with a = −0.75).
 *
 * Both count from the middles of pixels, and repeat the values at the edge beyond it.
 */
import { InputError } from '../../errors.js';
import type { Box } from '../../formats/findings.js';

/** A heatmap of one finding: `data` row by row. It covers the whole image, whatever its own width and height, unless `covers` says otherwise. */
export interface HeatmapValues {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  /**
   * The rectangle that the map covers, in shares of the image: `{ x: 0.25, y: 0, width: 0.5, height: 1 }` is the middle half. It passes the edges
   * of an image that the network saw with a border. Pixels that the map does not cover get its lowest value: nothing was found there.
   */
  readonly covers?: Box;
}

/** Which cells of a heatmap make up a pixel, and with which weights. */
interface Taps {
  cells: Int32Array;
  weights: Float64Array;
  count: number;
}

const KEYS = -0.75;
const near = (t: number) => ((KEYS + 2) * t - (KEYS + 3)) * t * t + 1;
const far = (t: number) => ((KEYS * t - 5 * KEYS) * t + 8 * KEYS) * t - 4 * KEYS;

const weightsOf = {
  bilinear: (t: number) => [1 - t, t],
  cubic: (t: number) => [far(t + 1), near(t), near(1 - t), far(2 - t)],
};

/** How a heatmap is enlarged: in each direction from two cells (`bilinear`) or from four (`cubic`). */
export type Interpolation = keyof typeof weightsOf;

/** @param from where the map begins, and @param length how long it is, in shares of the image */
function tapsOf(cells: number, pixels: number, interpolation: Interpolation, from: number, length: number): Taps {
  const count = interpolation === 'cubic' ? 4 : 2;
  const taps = { cells: new Int32Array(pixels * count), weights: new Float64Array(pixels * count), count };
  for (let pixel = 0; pixel < pixels; pixel++) {
    const middle = ((pixel + 0.5 - from * pixels) * cells) / (pixels * length) - 0.5;
    // PyTorch does not let bilinear positions go below the middle of the first cell. Here the edge is repeated, which gives the same values.
    const first = Math.floor(middle);
    const weights = weightsOf[interpolation](middle - first);
    for (let tap = 0; tap < count; tap++) {
      const cell = first + tap - (count / 2 - 1);
      taps.cells[pixel * count + tap] = Math.min(Math.max(cell, 0), cells - 1);
      taps.weights[pixel * count + tap] = weights[tap];
    }
  }
  return taps;
}

/**
 * A heatmap at another size, row by row.
 * @param into an array of at least `width` × `height`, to be used again
 * @throws InputError if the map's values are not as many as its cells, or not all finite
 */
export function resizeHeatmap(
  map: HeatmapValues,
  width: number,
  height: number,
  interpolation: Interpolation,
  into = new Float64Array(width * height),
): Float64Array {
  checkHeatmap(map);
  const { covers = WHOLE } = map;
  const across = tapsOf(map.width, width, interpolation, covers.x, covers.width);
  const down = tapsOf(map.height, height, interpolation, covers.y, covers.height);
  // Each row of cells is widened once, and kept as long as rows of pixels need it.
  const widened = new Map<number, Float64Array>();
  const rowOf = (cell: number) => {
    const known = widened.get(cell);
    if (known) return known;
    const row = new Float64Array(width);
    for (let x = 0, tap = 0; x < width; x++) {
      for (let end = tap + across.count; tap < end; tap++) {
        row[x] += across.weights[tap] * map.data[cell * map.width + across.cells[tap]];
      }
    }
    widened.set(cell, row);
    return row;
  };
  for (let y = 0; y < height; y++) {
    const rows = Array.from({ length: down.count }, (_, tap) => rowOf(down.cells[y * down.count + tap]));
    const lowest = Math.min(...down.cells.subarray(y * down.count, (y + 1) * down.count));
    for (const cell of widened.keys()) if (cell < lowest) widened.delete(cell);
    const at = y * width;
    into.fill(0, at, at + width);
    for (let tap = 0; tap < down.count; tap++) {
      const weight = down.weights[y * down.count + tap];
      const row = rows[tap];
      for (let x = 0; x < width; x++) into[at + x] += weight * row[x];
    }
  }
  fillUncovered(into, width, height, covers);
  return into;
}

const WHOLE: Box = { x: 0, y: 0, width: 1, height: 1 };

/** Gives pixels whose middles a map does not cover the lowest value of the others. */
function fillUncovered(values: Float64Array, width: number, height: number, { x, y, ...size }: Box): void {
  const within = (pixel: number, pixels: number, from: number, length: number) =>
    pixel + 0.5 >= from * pixels && pixel + 0.5 <= (from + length) * pixels;
  const isAcross = Array.from({ length: width }, (_, column) => within(column, width, x, size.width));
  const isDown = Array.from({ length: height }, (_, row) => within(row, height, y, size.height));
  if (isAcross.every(Boolean) && isDown.every(Boolean)) return;
  const isCovered = (i: number) => isDown[Math.floor(i / width)] && isAcross[i % width];
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < width * height; i++) if (isCovered(i)) lowest = Math.min(lowest, values[i]);
  for (let i = 0; i < width * height; i++) if (!isCovered(i)) values[i] = Number.isFinite(lowest) ? lowest : 0;
}

/** @throws InputError unless a heatmap has a finite value for each of its cells, and covers a part of the image */
export function checkHeatmap({ data, width, height, covers = WHOLE }: HeatmapValues, where = 'a heatmap'): void {
  const isSize = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!isSize || data.length !== width * height) {
    throw new InputError(`${where} does not have a value for each of its cells`, {
      expected: `width × height values`,
      given: `${data.length} for ${width} × ${height}`,
    });
  }
  const { x, y, width: across, height: down } = covers;
  const isOnImage = across > 0 && down > 0 && x < 1 && y < 1 && x + across > 0 && y + down > 0;
  if (!isOnImage || ![x, y, across, down].every(Number.isFinite)) {
    throw new InputError(`${where} covers no part of the image`, {
      expected: 'covers: x, y, width, height in shares of the image',
      given: [x, y, across, down].join(', '),
    });
  }
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) throw new InputError(`${where} is not finite`, { given: `${data[i]} in cell ${i}` });
  }
}

/**
 * Scales values so that the lowest becomes 0 and the highest 1, as both protocols do. Values that are all equal become 0: nothing then lies
 * above any threshold.
 */
export function toUnitRange(values: Float64Array, count = values.length): void {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    lowest = Math.min(lowest, values[i]);
    highest = Math.max(highest, values[i]);
  }
  const range = highest - lowest;
  for (let i = 0; i < count; i++) values[i] = range > 0 ? (values[i] - lowest) / range : 0;
}
