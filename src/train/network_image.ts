/**
 * Turns a decoded image into the form that training uses: grey, in the network's size, with 16 bits for each pixel. It is resized with the
 * same filter as in the operation `preprocess`, so that a network sees the same in training as later; only the rounding to 16 bits is added.
 */
import { InputError } from '../errors.js';
import { withoutAlpha } from '../formats/images/alpha.js';
import { settleBits, to16Bits } from '../formats/images/bits.js';
import type { Image } from '../formats/images/pixels.js';
import { centreOf, type Fit, frameOf, type Span } from '../ops/images/frame.js';

/** Weights of red, green and blue in the luma of ITU-R BT.601, as in `preprocess`. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * Resizes an image to `size` × `size` pixels of 0 … 65535 in row-major order.
 * @returns an array whose length is rounded up to whole 32-bit words, since the GPU reads those.
 * @throws InputError for an image without pixels.
 */
export function networkImage(image: Image, size: number, fit: Fit): Uint16Array {
  const { width, height } = image;
  const frame = frameOf(width, height, size, fit);
  // For 16-bit pixels that do not say how many of the bits are in use, `settleBits` finds it out.
  const grey = greyOf(settleBits(withoutAlpha(image, image.bits), image.bits));
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

/** The grey value of each pixel, 0 … 65535. */
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

/** Source pixels along one axis that make up a pixel of the result. */
interface Taps {
  first: number;
  /** Empty for a pixel of the result that lies outside of the image and is black. */
  weights: Float64Array;
}

/**
 * The source pixels for each pixel of the result, weighted by a triangle filter. When the image is made smaller, the filter is widened by
 * the same factor, so that every source pixel counts.
 */
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
