/** Heatmaps as they are shown: brought to the size of the picture, then to [0, 1]. */
import { resizePlane } from './resize.js';

/** A map over the whole image, in any resolution and on any scale. */
export interface Heatmap {
  width: number;
  height: number;
  data: ArrayLike<number>;
}

/** From the map's minimum to its maximum, or from 0 to its maximum. */
export type HeatmapScaling = 'minmax' | 'relu';

/** Heat from 0 to 1, row by row at another size; undefined for a map that is the same everywhere. */
export function heatLevels(
  heatmap: Heatmap,
  size: readonly [width: number, height: number],
  scaling: HeatmapScaling = 'minmax',
): Float32Array | undefined {
  const values = resizePlane(heatmap.data, [heatmap.width, heatmap.height], size);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (scaling === 'relu') low = 0;
  if (!(high > low)) return undefined;
  return values.map((value) => Math.max(0, (value - low) / (high - low)));
}
