/**
 * A decoded image as training keeps it: grey, of the network's size, 16 bits a pixel. The filter is that of the operation
 * `preprocess`, so that a network sees in training what it sees later; only the rounding to 16 bits is added.
 */
import { InputError } from '../errors.js';
import { settleBits, to16Bits } from '../formats/bits.js';
import { type Image, withoutAlpha } from '../formats/pixels.js';
import { type Fit, frameOf, type Span } from '../ops/images/frame.js';
import { centreOf } from '../ops/images/preprocess.js';

/** Luma of ITU-R 601, as `preprocess` has it. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * Resizes to `size` × `size`, row by row, 0 … 65535. The array has room for whole 32-bit words. Of 16-bit pixels that do not say how
 * many bits are in use, `settleBits` finds it out.
 * @throws InputError for an image without pixels.
 */
export function networkImage(image: Image, size: number, fit: Fit): Uint16Array {
  const { width, height } = image;
  const frame = frameOf(width, height, size, fit);
  const grey = greyOf(settleBits(withoutAlpha(image), image.bits));
  const columns = tapsOf(frame.x, width, size);
  const resized = new Uint16Array(2 * Math.ceil((size * size) / 2));
  const row = new Float64Array(width);
  for (const [i, taps] of tapsOf(frame.y, height, size).entries()) {
    row.fill(0);
    for (const [k, weight] of taps.weights.entries()) {
      const from = (taps.first + k) * width;
      for (let x = 0; x < width; x++) row[x] += weight * grey[from + x];
    }
    for (let j = 0; j < size; j++) {
      const { first, weights } = columns[j];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * row[first + k];
      resized[i * size + j] = Math.round(sum);
    }
  }
  return resized;
}

/** One number a pixel, 0 … 65535. */
function greyOf(image: Image): Float32Array {
  const { data, width, height, channels } = image;
  if (data.length !== width * height * channels) {
    throw new InputError('image: the data has the wrong length', { given: `${data.length}` });
  }
  const scale = to16Bits(image);
  const grey = new Float32Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    const at = i * channels;
    const value = channels === 1 ? data[at] : LUMA[0] * data[at] + LUMA[1] * data[at + 1] + LUMA[2] * data[at + 2];
    grey[i] = scale * value;
  }
  return grey;
}

interface Taps {
  first: number;
  /** None where the square shows no image: black. */
  weights: Float64Array;
}

/** For each place of the square the source pixels that it is made of: a triangle that widens as it shrinks. */
function tapsOf(span: Span, length: number, size: number): Taps[] {
  const scale = Math.max(1, span.length / span.target);
  return Array.from({ length: size }, (_, index) => {
    const centre = centreOf(span, index);
    if (centre === undefined) return { first: 0, weights: new Float64Array() };
    const first = Math.max(0, Math.floor(centre - scale));
    const end = Math.min(length, Math.ceil(centre + scale) + 1);
    const weights = Float64Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / scale),
    );
    const sum = weights.reduce((all, one) => all + one, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
