/**
 * Pixels to a network's input on the CPU, in float64: the reference for the kernels of `preprocess.ts`, and what a localizer without a GPU runs. As
 * in those, an image is resized along its columns first and then along its rows.
 */
import { colourMatrix, type Normalisation, type PixelFormat } from './colours.js';
import { centreOf, type Fit, frameOf, type Span } from './frame.js';

/** Source positions of each output position with their weights: Pillow's triangle filter. In padding there are none. */
interface Taps {
  /** The first source position of each output position. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** `most` places for each output position. */
  readonly weights: Float64Array;
  readonly most: number;
  /** The source positions that the whole output reads: from `from` to before `to`. */
  readonly from: number;
  readonly to: number;
}

function tapsOf(span: Span, length: number, size: number): Taps {
  const scale = Math.max(1, span.length / span.target);
  const most = 2 * Math.ceil(scale) + 1;
  const [starts, counts] = [new Int32Array(size), new Int32Array(size)];
  const weights = new Float64Array(size * most);
  let [from, to] = [length, 0];
  for (let index = 0; index < size; index++) {
    const centre = centreOf(span, index);
    if (centre === undefined) continue;
    const first = Math.max(0, Math.floor(centre - scale - 0.5) + 1);
    const last = Math.min(length - 1, Math.ceil(centre + scale - 0.5) - 1);
    let total = 0;
    for (let pixel = first; pixel <= last; pixel++) {
      const weight = Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / scale);
      weights[index * most + pixel - first] = weight;
      total += weight;
    }
    starts[index] = first;
    counts[index] = last - first + 1;
    for (let tap = 0; tap < counts[index]; tap++) weights[index * most + tap] /= total;
    from = Math.min(from, first);
    to = Math.max(to, last + 1);
  }
  return { starts, counts, weights, most, from: Math.min(from, to), to };
}

/** Samples with their colours multiplied by alpha and rounded, which blends them with black. Alpha itself stays. */
function blended(samples: Uint8Array | Uint16Array, white: number): Uint8Array | Uint16Array {
  const result = samples.slice();
  for (let at = 0; at < result.length; at++)
    if (at % 4 !== 3) result[at] = Math.round((samples[at] * Math.min(samples[at | 3], white)) / white);
  return result;
}

/** Where the numbers of an image go: pixel p's channel c to `first + p · pixel + c · channel`. */
export interface Places {
  readonly first: number;
  readonly pixel: number;
  readonly channel: number;
}

/**
 * Writes an image as a network's input into y: size × size pixels of as many channels as `mean` has.
 * @param samples row by row, without gaps, channels interleaved
 */
export function preprocessOnCpu(
  samples: Uint8Array | Uint16Array,
  attributes: PixelFormat & Normalisation & { readonly size: number; readonly fit: Fit },
  y: Float32Array | Float64Array,
  { first, pixel, channel }: Places,
): void {
  const { width, height, channels, bits, size, fit } = attributes;
  const frame = frameOf(width, height, size, fit);
  const across = tapsOf(frame.x, width, size);
  const down = tapsOf(frame.y, height, size);
  const stored = channels === 4 ? blended(samples, 2 ** bits - 1) : samples;
  const colours = colourMatrix(attributes);
  const line = new Float64Array((across.to - across.from) * channels);
  for (let row = 0; row < size; row++) {
    line.fill(0);
    for (let tap = 0; tap < down.counts[row]; tap++) {
      const start = ((down.starts[row] + tap) * width + across.from) * channels;
      addRow(line, stored, start, down.weights[row * down.most + tap]);
    }
    writeRow(y, { first: first + row * size * pixel, pixel, channel }, line, channels, across, colours);
  }
}

function addRow(line: Float64Array, samples: Uint8Array | Uint16Array, start: number, weight: number): void {
  for (let i = 0; i < line.length; i++) line[i] += weight * samples[start + i];
}

/** Resizes a line of source pixels, the first of which is `from` of the taps, and writes its pixels with their colours mixed and normalised. */
function writeRow(
  y: Float32Array | Float64Array,
  { first, pixel, channel }: Places,
  line: Float64Array,
  channels: number,
  { starts, counts, weights, most, from }: Taps,
  colours: ReturnType<typeof colourMatrix>,
): void {
  const read = Math.min(3, channels);
  const value = [0, 0, 0];
  for (let column = 0; column < counts.length; column++) {
    value.fill(0);
    const start = (starts[column] - from) * channels;
    for (let tap = 0; tap < counts[column]; tap++) {
      const weight = weights[column * most + tap];
      for (let s = 0; s < read; s++) value[s] += weight * line[start + tap * channels + s];
    }
    for (let c = 0; c < colours.length; c++) {
      const { weights: mix, bias } = colours[c];
      y[first + column * pixel + c * channel] = mix[0] * value[0] + mix[1] * value[1] + mix[2] * value[2] + bias;
    }
  }
}
