/**
 * Makes a batch of the network's input from stored grey images, each with its own rotation, shift, contrast and brightness. These
 * numbers are an input of the operation, so that it is compiled only once. With `PLAIN_VIEW` an image is only normalised.
 */
import { InputError } from '../../errors.js';
import { augment } from '../../generated/kernels/augment.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { type Case, type Operation, type Range, type Reference, spread } from '../../graph/ir/operation.js';
import { describeShape, type Tensor } from '../../graph/ir/tensor.js';

export interface AugmentAttributes {
  /** Side of the images and of the network's input. */
  readonly size: number;
  /** One number for each channel of the network's input, which has 1 or 3. The input is (v − mean) / std, with v in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly type: 'f32' | 'f16';
}

/** Numbers of one image's view: A row by row, shift to the right and down in pixels, contrast, brightness. */
export const VIEW_NUMBERS = 8;

/** The view that changes nothing. */
export const PLAIN_VIEW: readonly number[] = [1, 0, 0, 1, 0, 0, 1, 0];

/** Words of 32 bits that an image of 16-bit samples takes. */
export const storedWords = (size: number) => Math.ceil((size * size) / 2);

const INPUTS = ['images', 'views'] as const;

/**
 * images: dense u32 [batch · words, 1], one image after the other; samples of 16 bits, little-endian in words. views: dense
 * [batch, 8]. y: [batch, size, size, 1 or 3] nhwc4.
 */
export const forward: Operation<AugmentAttributes, typeof INPUTS> = {
  name: 'augment',
  inputs: INPUTS,
  infer([images, views], { size, mean, std, type }) {
    const [batch] = views.shape;
    const words = batch * storedWords(size);
    if (views.shape.join() !== `${batch},${VIEW_NUMBERS}` || views.layout !== 'dense') {
      throw new InputError('views', { expected: `dense [batch, ${VIEW_NUMBERS}]`, given: describeShape(views) });
    }
    if (images.type !== 'u32' || images.layout !== 'dense' || images.shape.join() !== `${words},1`) {
      throw new InputError('stored images', { expected: `dense u32[${words}×1]`, given: describeShape(images) });
    }
    if (![1, 3].includes(mean.length) || mean.length !== std.length || !std.every((deviation) => deviation > 0)) {
      throw new InputError('normalisation', {
        expected: 'mean and std of 1 or 3 channels, std above 0',
        given: `mean ${mean.join(', ')}; std ${std.join(', ')}`,
      });
    }
    return [{ shape: [batch, size, size, mean.length], layout: 'nhwc4', type }];
  },
  flops: ({ outputs: [y] }) => 30 * (y.shape[0] * y.shape[1] * y.shape[2]),
  lower({ inputs: [images, views], outputs: [y], attributes: { size, mean, std } }, context) {
    const words = storedWords(size);
    const needs = ([from, to]: Range): Range => [
      Math.floor(from / size ** 2) * words,
      Math.ceil(to / size ** 2) * words,
    ];
    const channels = [0, 1, 2].flatMap((channel) => [
      [`gain${channel}`, channel < mean.length ? 1 / std[channel] : 0],
      [`bias${channel}`, channel < mean.length ? -mean[channel] / std[channel] : 0],
    ]);
    for (const [first, end] of context.bands(y, [[images, needs]])) {
      const input = context.read(images, needs([first, end]));
      const output = context.write(y, [first, end]);
      context.dispatch({
        kernel: augment,
        constants: { elem: y.type },
        bindings: [input, context.read(views), output],
        params: {
          ...{ first, count: end - first, size, words },
          ...{ x_offset: input.offset, y_offset: output.offset, y_pitch: output.pitch },
          ...Object.fromEntries(channels),
        },
        workgroups: spread(Math.ceil((end - first) / 64)),
      });
    }
  },
};

/** Inputs for the images and views of a batch, and the network's input that is made from them. */
export function augmentedInput(g: GraphBuilder, batch: number, attributes: Omit<AugmentAttributes, 'type'>) {
  const words = batch * storedWords(attributes.size);
  const images = g.input('stored images', [words, 1], { layout: 'dense', type: 'u32' });
  const views = g.input('views', [batch, VIEW_NUMBERS], { layout: 'dense' });
  const y: Tensor = g.apply(forward, [images, views], { ...attributes, type: g.type }, 'augmented');
  return { images, views, y };
}

export const reference: Reference<AugmentAttributes, typeof INPUTS> = (
  [words, views],
  { attributes: { size, mean, std } },
) => {
  const batch = views.length / VIEW_NUMBERS;
  const samples = new Uint16Array(Uint32Array.from(words).buffer);
  const middle = (size - 1) / 2;
  const y = new Float64Array(batch * size * size * mean.length);
  let at = 0;
  for (let image = 0; image < batch; image++) {
    const [a, b, c, d, right, down, contrast, brightness] = views.subarray(image * VIEW_NUMBERS);
    const stored = samples.subarray(image * 2 * storedWords(size));
    for (let i = -middle; i <= middle; i++) {
      for (let j = -middle; j <= middle; j++) {
        const value = bilinear(stored, size, a * j + b * i + right + middle, c * j + d * i + down + middle) / 65535;
        const tone = Math.min(1, Math.max(0, contrast * (value - 0.5) + 0.5 + brightness));
        for (let channel = 0; channel < mean.length; channel++) y[at++] = (tone - mean[channel]) / std[channel];
      }
    }
  }
  return [y];
};

function bilinear(stored: Uint16Array, size: number, x: number, y: number): number {
  const [column, row] = [x, y].map((value) => Math.min(size - 1, Math.max(0, value)));
  const [left, top] = [Math.floor(column), Math.floor(row)];
  const read = (i: number, j: number) => stored[Math.min(size - 1, i) * size + Math.min(size - 1, j)];
  const along = (i: number) => read(i, left) + (column - left) * (read(i, left + 1) - read(i, left));
  return along(top) + (row - top) * (along(top + 1) - along(top));
}

function caseOf(size: number, views: readonly (readonly number[])[], channels: 1 | 3 = 1): Case<AugmentAttributes> {
  // The images are smooth, so that rounding the positions of samples to f32 matters little.
  const sample = (index: number) => {
    const at = index % (2 * storedWords(size));
    const wave = Math.sin((at % size) / 3 + 1 + index / (2 * storedWords(size))) * Math.cos(Math.floor(at / size) / 4);
    return Math.round(32767 * (1 + wave));
  };
  return {
    inputs: [
      {
        shape: [views.length * storedWords(size), 1],
        layout: 'dense',
        type: 'u32',
        kind: 'input',
        fill: (word) => sample(2 * word) + sample(2 * word + 1) * 65536,
      },
      { shape: [views.length, VIEW_NUMBERS], layout: 'dense', kind: 'input', fill: (index) => views.flat()[index] },
    ],
    attributes: {
      size,
      mean: [0.5, 0.4, 0.3].slice(0, channels),
      std: [0.25, 0.3, 0.35].slice(0, channels),
      type: 'f32',
    },
  };
}

const [cosine, sine] = [0.9 * Math.cos(0.2), 0.9 * Math.sin(0.2)];
const turned = [cosine, sine, -sine, cosine, 1.3, -2.7, 1.2, 0.05];
const mirrored = [-1, 0, 0, 1, 0, 0, 1, 0];

export const cases = (): Case<AugmentAttributes>[] => [
  caseOf(1, [PLAIN_VIEW]),
  caseOf(5, [PLAIN_VIEW, mirrored, turned]),
  caseOf(32, [turned, PLAIN_VIEW], 3),
  caseOf(33, [[0.8, 0, 0, 0.8, 90, -90, 3, -0.5], mirrored]), // beyond the edge, and out of range
  { ...caseOf(224, Array(8).fill(turned), 3), full: true, bench: true },
];
