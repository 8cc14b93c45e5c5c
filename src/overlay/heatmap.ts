/** Prepares heatmaps for showing: resizes them to the picture, and scales them to [0, 1]. */
import { resizePlane } from './resize.js';

/** A map over the whole image, in any resolution and on any scale. */
export interface Heatmap {
  width: number;
  height: number;
  data: ArrayLike<number>;
}

/** Which values become 0 and 1: the map's minimum and maximum (`minmax`), or 0 and its maximum (`relu`). */
export type HeatmapScaling = 'minmax' | 'relu';

/** Heat from 0 to 1 at another size, in row-major order; undefined for a map that has the same value everywhere. */
export function heatLevels(
  heatmap: Heatmap,
  size: readonly [width: number, height: number],
  scaling: HeatmapScaling = 'minmax',
): Float32Array | undefined {
  const values = resizePlane(heatmap.data, [heatmap.width, heatmap.height], size);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  if (scaling === 'relu') low = 0;
  if (!(high > low)) return undefined;
  const range = high - low;
  for (let i = 0; i < values.length; i++) values[i] = Math.max(0, (values[i] - low) / range);
  return values;
}
