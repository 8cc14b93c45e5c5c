/** From a heatmap to boxes on the CPU, in float64 and by flood fill: the reference for tests of the kernels. */
import { FLAT, type HeatFrame, type HeatScaling, heatPositions, type MapState, SMALLEST_RANGE } from './heat.js';

export interface Heat {
  /** The pixels of the image that the network saw. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Heat of each of them, row by row. */
  readonly values: Float64Array;
}

/** A heatmap of h × w cells at the pixels of its image: bilinear, half-pixel centres. */
export function heatOfImage(cells: ArrayLike<number>, mapHeight: number, mapWidth: number, frame: HeatFrame): Heat {
  const { seen, column, row } = heatPositions(frame, mapHeight, mapWidth);
  const values = new Float64Array(seen.width * seen.height);
  for (let y = 0, at = 0; y < seen.height; y++) {
    const r = row(y);
    const [above, below, down] = [Math.floor(r), Math.min(Math.floor(r) + 1, mapHeight - 1), r % 1];
    for (let x = 0; x < seen.width; x++, at++) {
      const c = column(x);
      const [left, right, across] = [Math.floor(c), Math.min(Math.floor(c) + 1, mapWidth - 1), c % 1];
      const cell = (i: number, j: number) => cells[i * mapWidth + j];
      const first = cell(above, left) + (cell(above, right) - cell(above, left)) * across;
      const second = cell(below, left) + (cell(below, right) - cell(below, left)) * across;
      values[at] = first + (second - first) * down;
    }
  }
  return { left: seen.x, top: seen.y, width: seen.width, height: seen.height, values };
}

const MAX_F32 = 3.4028234663852886e38;

/** The range by which a map is scaled: `low` becomes 0, `high` becomes 255. */
export interface HeatRange {
  readonly state: MapState;
  readonly low: number;
  readonly high: number;
}

export function rangeOfHeat(cells: ArrayLike<number>, heat: ArrayLike<number>, scaling: HeatScaling): HeatRange {
  let [least, high, magnitude] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < cells.length; i++) {
    if (!Number.isFinite(cells[i])) return { state: 'not finite', low: 0, high: 0 };
    magnitude = Math.max(magnitude, Math.abs(cells[i]));
  }
  for (let i = 0; i < heat.length; i++) {
    least = Math.min(least, heat[i]);
    high = Math.max(high, heat[i]);
  }
  // A range that overflows f32 counts as not finite, because it is infinite in the kernels.
  if (high - least > MAX_F32) return { state: 'not finite', low: 0, high: 0 };
  const low = scaling === 'min_max' ? least : 0;
  const flat = high - least <= Math.max(magnitude * FLAT, SMALLEST_RANGE) || high - low <= SMALLEST_RANGE;
  return { state: flat ? 'flat' : 'scaled', low, high };
}

/** Heat from 0 to 255; all zeros for a map that is not `scaled`. */
export function scaleHeat(heat: Float64Array, { state, low, high }: HeatRange): Float64Array {
  if (state !== 'scaled') return new Float64Array(heat.length);
  return heat.map((value) => Math.min(Math.max(((value - low) / (high - low)) * 255, 0), 255));
}

/** A component's box in pixels, half-open, its area in pixels and its highest value. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly area: number;
  readonly peak: number;
}

/**
 * 8-connected components of the pixels at or above a threshold, in the order of their first pixels.
 * @returns regions, and for each pixel the index of its component's first pixel, −1 outside.
 */
export function floodFill(values: ArrayLike<number>, width: number, height: number, threshold: number) {
  const labels = new Int32Array(width * height).fill(-1);
  const regions: Region[] = [];
  for (let start = 0; start < labels.length; start++) {
    if (labels[start] >= 0 || !(values[start] >= threshold)) continue;
    const stack = [start];
    labels[start] = start;
    let [left, top, right, bottom, area, peak] = [width, height, 0, 0, 0, 0];
    for (let pixel = stack.pop(); pixel !== undefined; pixel = stack.pop()) {
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
      area++;
      peak = Math.max(peak, values[pixel]);
      for (let j = Math.max(0, y - 1); j <= Math.min(height - 1, y + 1); j++) {
        for (let i = Math.max(0, x - 1); i <= Math.min(width - 1, x + 1); i++) {
          const next = j * width + i;
          if (labels[next] >= 0 || !(values[next] >= threshold)) continue;
          labels[next] = start;
          stack.push(next);
        }
      }
    }
    regions.push({ x: left, y: top, width: right - left, height: bottom - top, area, peak });
  }
  return { labels, regions };
}

/**
 * Boxes of one heatmap, for each threshold: the reference of `extractBoxes`.
 * @param cells heatmap of mapHeight × mapWidth.
 */
export function boxesOfHeatmap(
  cells: ArrayLike<number>,
  mapHeight: number,
  mapWidth: number,
  options: HeatFrame & { heatThresholds: readonly number[]; scaling: HeatScaling },
): { state: MapState; scaled: Heat; regions: Region[][] } {
  const heat = heatOfImage(cells, mapHeight, mapWidth, options);
  const range = rangeOfHeat(cells, heat.values, options.scaling);
  const scaled = { ...heat, values: scaleHeat(heat.values, range) };
  const regions = options.heatThresholds.map((threshold) => {
    if (range.state !== 'scaled') return [];
    const found = floodFill(scaled.values, heat.width, heat.height, threshold).regions;
    return found.map((region) => ({ ...region, x: region.x + heat.left, y: region.y + heat.top }));
  });
  return { state: range.state, scaled, regions };
}
