/** What is kept of an image and a finding with truth: counts from which all figures and their intervals are computed. */

import { checkMaskSize, pixelsOf, type Rle, rleArea, rleIntersection, rleOfPixels } from '../../formats/masks/rle.js';
import type { Region } from '../../formats/masks/shapes.js';
import { bestIouByLevel } from './box_levels.js';
import { type HeatmapValues, resizeHeatmap, toUnitRange } from './heatmap_size.js';
import { countPixels, type PixelCounts } from './pixel_levels.js';

/** The pixels of a predicted mask, and how many of them are in the truth. */
export interface Overlap {
  predicted: number;
  shared: number;
}

/** A predicted mask, or a heatmap, beside the truth. */
export interface PairCounts {
  truth: number;
  /** One for each threshold that was asked for; one in all for a predicted mask. */
  overlaps: Overlap[];
  /** Only of heatmaps. */
  heat?: HeatCounts;
}

interface HeatCounts {
  /** Whether the first of the map's highest pixels lies in the truth. */
  hit: boolean;
  pixels: PixelCounts;
  /** For each of 256 levels the best IoU of a box; see `bestIouByLevel`. */
  bestIou: Float64Array;
}

/** Pixels of the predicted mask, and those of them that the truth has too. Both masks have the same size. */
export const maskOverlap = (predicted: Rle, truth: Rle): Overlap => ({
  predicted: rleArea(predicted),
  shared: rleIntersection(predicted, truth),
});

let values = new Float64Array(0);
let inTruth = new Uint8Array(0);

/**
 * Compares a heatmap with the truth, at the truth's size.
 * @param thresholds for the overlaps, ascending: a pixel is predicted if its value, scaled to 0 … 1, exceeds the threshold
 */
export function compareHeatmap(map: HeatmapValues, { mask, boxes }: Region, thresholds: readonly number[]): PairCounts {
  const { width, height } = mask;
  const pixels = width * height;
  if (values.length < pixels) [values, inTruth] = [new Float64Array(pixels), new Uint8Array(pixels)];
  pixelsOf(mask, inTruth);

  resizeHeatmap(map, width, height, 'bilinear', values);
  toUnitRange(values, pixels);
  const overlaps = overlapsAbove(thresholds, pixels);
  const hit = inTruth[firstHighest(pixels)] === 1;

  resizeHeatmap(map, width, height, 'cubic', values);
  toUnitRange(values, pixels);
  const bestIou = bestIouByLevel(values, width, height, boxes);
  return { truth: rleArea(mask), overlaps, heat: { hit, pixels: countPixels(values, inTruth, pixels), bestIou } };
}

/**
 * The mask that a heatmap is at a threshold, as CheXlocalize's figures are computed of it: brought to the size of the image by bilinear
 * interpolation, scaled from its minimum to its maximum, and cut where it exceeds the threshold.
 * @param threshold from 0 to 1
 * @throws InputError for a map without a finite value for each of its cells, and for a size that no mask can have
 */
export function heatmapMask(map: HeatmapValues, width: number, height: number, threshold: number): Rle {
  checkMaskSize(width, height, 'the mask of a heatmap');
  const scaled = resizeHeatmap(map, width, height, 'bilinear');
  toUnitRange(scaled);
  return rleOfPixels(
    Uint8Array.from(scaled, (value) => (value > threshold ? 1 : 0)),
    width,
    height,
  );
}

/** Counts each pixel at the highest threshold that it exceeds, and adds up from there, so that one pass does for all. */
function overlapsAbove(thresholds: readonly number[], pixels: number): Overlap[] {
  const count = thresholds.length;
  const [predicted, shared] = [new Uint32Array(count + 1), new Uint32Array(count + 1)];
  for (let i = 0; i < pixels; i++) {
    let exceeded = 0;
    while (exceeded < count && values[i] > thresholds[exceeded]) exceeded += 1;
    predicted[exceeded] += 1;
    shared[exceeded] += inTruth[i];
  }
  for (let k = count - 1; k > 0; k--) {
    predicted[k] += predicted[k + 1];
    shared[k] += shared[k + 1];
  }
  return thresholds.map((_, k) => ({ predicted: predicted[k + 1], shared: shared[k + 1] }));
}

function firstHighest(pixels: number): number {
  let highest = 0;
  for (let i = 1; i < pixels; i++) if (values[i] > values[highest]) highest = i;
  return highest;
}
