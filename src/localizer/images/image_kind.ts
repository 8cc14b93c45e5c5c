/**
 * Warns where weights get images of a kind that they do not know: weights that were trained on raybox's phantoms get an X-ray of a patient,
 * or the other way round. Such weights do not fail; they give findings that mean nothing, with high probabilities.
 *
 * Phantoms are told by a linear discriminant on the image in 8 × 8 cells: each cell's mean level, and its roughness, which is the logarithm
 * of the mean difference between samples side by side. It was fitted on every third of 10,326 X-rays of ChestX-ray14 and half of 700
 * phantoms of four sizes, clear and hard ones. Of all these images, 3 X-rays and no phantom are on the wrong side of the limit.
 */
import type { Image } from '../../formats/images/pixels.js';
import type { ImageKind } from '../../formats/weights/metadata.js';
import type { Warning, WarningCode } from '../../warnings.js';
import { levelsOf, SIDE } from './image_checks.js';

const CELLS = 8;
const SAMPLES = SIDE / CELLS;

/** Factors of the cells' levels, in hundredths. The left half; the right half is its mirror image. */
const OF_LEVELS = [
  [-5, -60, 123, -94],
  [-43, 54, -49, 138],
  [-18, 41, 7, -59],
  [-120, -95, -7, -14],
  [67, -60, -17, 171],
  [-6, -35, -4, 107],
  [-22, 39, 60, -176],
  [58, 118, -50, -115],
];

/** Factors of the cells' roughness, in the same form. */
const OF_ROUGHNESS = [
  [4, 0, 3, 14],
  [-19, -24, 4, 34],
  [-9, -18, -3, 7],
  [8, -14, 0, 1],
  [1, 3, -2, 11],
  [2, -3, -1, 15],
  [-1, 10, 2, -4],
  [2, -1, 10, 16],
];

/** The constant term of the discriminant. */
const OFFSET = 1.419;
/** An image counts as a phantom if its discriminant is above this. X-rays of patients lie around −1, phantoms around 1. */
const LIMIT = 0.3;
/** Added to differences before the logarithm, because a cell may be constant. */
const LEAST_DIFFERENCE = 0.005;

/** An image with one of these warnings is no X-ray at all, so the discriminant says nothing about it. */
const NO_XRAY: readonly WarningCode[] = ['image-range', 'image-inverted', 'image-turned', 'image-not-xray'];

/**
 * The warning for an image that is not of the kind that weights were trained on; undefined if it is, or if that cannot be told.
 * @param image with the warnings of `checkPixels`
 */
export function otherKind(image: Image, trainedOn: ImageKind): Warning | undefined {
  if (image.warnings?.some(({ code }) => NO_XRAY.includes(code))) return undefined;
  const levels = levelsOf(image);
  if (!levels) return undefined;
  const isPhantom = phantomLikeness(levels) > LIMIT;
  if (isPhantom === (trainedOn === 'phantoms')) return undefined;
  return {
    code: 'image-other-kind',
    message: isPhantom
      ? 'the image looks like a phantom that raybox draws, and these weights were trained on X-rays of patients: what they say of it means little. For phantoms there are the weights phantom8'
      : 'the image does not look like a phantom that raybox draws, and these weights were trained on phantoms alone: what they say of it means nothing, however high the probability. For X-rays of patients there are the weights chest8',
  };
}

/** @param levels `SIDE` × `SIDE` levels from 0 to 1 */
function phantomLikeness(levels: Float64Array): number {
  let sum = OFFSET;
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const place = Math.min(column, CELLS - 1 - column);
      const { level, roughness } = cellOf(levels, row * SAMPLES, column * SAMPLES);
      // Each factor is for the mean of a cell and its mirror image, hence the 2.
      sum += (OF_LEVELS[row][place] * level + OF_ROUGHNESS[row][place] * roughness) / 100 / 2;
    }
  }
  return sum;
}

function cellOf(levels: Float64Array, top: number, left: number): { level: number; roughness: number } {
  let total = 0;
  let differences = 0;
  for (let y = top; y < top + SAMPLES; y++) {
    for (let x = left; x < left + SAMPLES; x++) {
      total += levels[y * SIDE + x];
      if (x > left) differences += Math.abs(levels[y * SIDE + x] - levels[y * SIDE + x - 1]);
    }
  }
  return {
    level: total / SAMPLES ** 2,
    roughness: Math.log(differences / (SAMPLES * (SAMPLES - 1)) + LEAST_DIFFERENCE),
  };
}
