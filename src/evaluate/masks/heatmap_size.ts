/**
 * Heatmaps at the size of the truth that they are compared with, in float64. The two protocols that are followed here enlarge them in
 * different ways, each without smoothing where a map is made smaller:
 * - bilinear, as CheXlocalize does (PyTorch's `interpolate`, `align_corners=False`);
 * - cubic, as Choe et al. do (OpenCV's `INTER_CUBIC`: Keys' kernel with a = −0.75).
 *
 * Both count from the middles of pixels, and repeat the values at the edge beyond it.
 */
import { InputError } from '../../errors.js';

/** A heatmap of one finding: `data` row by row. It covers the whole image, whatever its own width and height. */
export interface HeatmapValues {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
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

export type Interpolation = keyof typeof weightsOf;

function tapsOf(cells: number, pixels: number, interpolation: Interpolation): Taps {
  const count = interpolation === 'cubic' ? 4 : 2;
  const taps = { cells: new Int32Array(pixels * count), weights: new Float64Array(pixels * count), count };
  for (let pixel = 0; pixel < pixels; pixel++) {
    const middle = ((pixel + 0.5) * cells) / pixels - 0.5;
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
  const across = tapsOf(map.width, width, interpolation);
  const down = tapsOf(map.height, height, interpolation);
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
  return into;
}

/** @throws InputError unless a heatmap has a finite value for each of its cells */
export function checkHeatmap({ data, width, height }: HeatmapValues, where = 'a heatmap'): void {
  const isSize = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!isSize || data.length !== width * height) {
    throw new InputError(`${where} does not have a value for each of its cells`, {
      expected: `width × height values`,
      given: `${data.length} for ${width} × ${height}`,
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
