/**
 * Pixel precision and recall, and PxAP, of Choe et al. (CVPR 2020). A heatmap of values from 0 to 1 is cut at 1,000 thresholds τ, 0, 0.001,
 * …, 0.999; a pixel counts as found if its value is at least τ. True and false pixels are counted over all images before they are divided.
 * PxAP is the sum over thresholds, from the highest down, of the precision times the gain in recall.
 *
 * Images are counted one by one into a histogram of two kilobytes for each kind of pixel, so that no map has to be kept.
 */
const THRESHOLDS = 1000;
/** The last bin is for pixels whose value is 1. */
export const BINS = THRESHOLDS + 1;
const STEP = 0.001;

/** Pixels of one image by the highest threshold that they reach. */
export interface PixelCounts {
  /** Pixels in the truth. */
  readonly inside: Uint32Array;
  /** All others. */
  readonly outside: Uint32Array;
}

/** The pixels of a heatmap by bin. @param truth 1 for pixels of the truth, row by row, as the values */
export function countPixels(values: Float64Array, truth: Uint8Array, pixels: number): PixelCounts {
  const [inside, outside] = [new Uint32Array(BINS), new Uint32Array(BINS)];
  for (let i = 0; i < pixels; i++) {
    const value = values[i];
    // A product of floats may fall into the bin beside the right one.
    let bin = Math.min(Math.floor(value * THRESHOLDS), THRESHOLDS);
    if (value < bin * STEP) bin -= 1;
    else if (bin < THRESHOLDS && value >= (bin + 1) * STEP) bin += 1;
    if (truth[i]) inside[bin] += 1;
    else outside[bin] += 1;
  }
  return { inside, outside };
}

/** Adds counts, as often as an image was drawn. */
export function addCounts(sum: { inside: Float64Array; outside: Float64Array }, counts: Counts, times: number): void {
  for (let bin = 0; bin < BINS; bin++) {
    sum.inside[bin] += times * counts.inside[bin];
    sum.outside[bin] += times * counts.outside[bin];
  }
}

export const noCounts = () => ({ inside: new Float64Array(BINS), outside: new Float64Array(BINS) });

interface Counts {
  readonly inside: ArrayLike<number>;
  readonly outside: ArrayLike<number>;
}

/** PxAP; NaN without a pixel of the truth. */
export function pixelAveragePrecision({ inside, outside }: Counts): number {
  let [right, wrong, sum] = [0, 0, 0];
  for (let bin = BINS - 1; bin >= 0; bin--) {
    right += inside[bin];
    wrong += outside[bin];
    // Without a gain in recall there is nothing to add, and perhaps no pixel to divide by.
    if (inside[bin] > 0) sum += (inside[bin] * right) / (right + wrong);
  }
  return right === 0 ? Number.NaN : sum / right;
}

/** A point of the curve. */
export interface PixelPoint {
  threshold: number;
  precision: number;
  recall: number;
}

/** Precision and recall at every hundredth; precision is NaN where no pixel is found. */
export function pixelCurve({ inside, outside }: Counts): PixelPoint[] {
  const all = Array.from(inside).reduce((sum, each) => sum + each, 0);
  const points: PixelPoint[] = [];
  let [right, wrong] = [0, 0];
  for (let bin = BINS - 1; bin >= 0; bin--) {
    right += inside[bin];
    wrong += outside[bin];
    if (bin % 10 === 0)
      points.push({ threshold: bin / THRESHOLDS, precision: right / (right + wrong), recall: right / all });
  }
  return points.reverse();
}
