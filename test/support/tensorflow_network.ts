/**
 * A small network around the layers under test, as a layers model and as a graph model: a convolution of an image before them, pooling and a
 * dense layer behind them. It runs in float64, without a GPU.
 */
import * as assert from 'uvu/assert';
import { readModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import { seededRandom } from '../../src/random.js';
import { evaluated } from './float64.js';
import { functional, jsonBytes, layer, type Model, modelOf, node, type Stored } from './tensorflow.js';

const random = seededRandom(11);
export const numbers = (count: number) => Float32Array.from({ length: count }, () => random() * 2 - 1);
export const weights = (...shape: number[]): Stored => ({ shape, data: numbers(shape.reduce((a, b) => a * b, 1)) });
export const SIZE = 7;
export const image = numbers(SIZE * SIZE);

export async function run({ json, files }: Model, options: ModelOptions = {}, pixels: ArrayLike<number> = image) {
  const model = await readModel(jsonBytes(json), { externalData: files, ...options });
  return { model, ...evaluated(model, pixels, Math.sqrt(pixels.length)) };
}

export const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, bound = 1e-5) => {
  assert.is(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i] - expected[i]) <= bound, `${actual[i]} at ${i}, expected ${expected[i]}`);
};

export const KERNEL = weights(3, 3, 1, 4);
export const BIAS = weights(4);
export const DENSE = weights(4, 2);
export const OFFSET = weights(2);
export const HEAD = { 'fc/kernel': DENSE, 'fc/bias': OFFSET };
export const CONV = { 'conv/kernel': KERNEL, 'conv/bias': BIAS };

type Map2 = readonly (readonly number[])[];

/** TensorFlow's convolution of one channel, by hand: rows × columns × 4, with zeros around where padding is the same. */
export function convolved(
  pixels: ArrayLike<number>,
  stride: number,
  same: boolean,
  size = SIZE,
): { side: number; maps: Map2 } {
  const side = same ? Math.ceil(size / stride) : Math.floor((size - 3) / stride) + 1;
  const before = same ? Math.floor(Math.max(0, (side - 1) * stride + 3 - size) / 2) : 0;
  const maps = [0, 1, 2, 3].map((o) =>
    Array.from({ length: side * side }, (_, p) => {
      let sum = BIAS.data[o];
      for (let i = 0; i < 9; i++) {
        const y = Math.floor(p / side) * stride + Math.floor(i / 3) - before;
        const x = (p % side) * stride + (i % 3) - before;
        if (y >= 0 && y < size && x >= 0 && x < size) sum += pixels[y * size + x] * KERNEL.data[i * 4 + o];
      }
      return sum;
    }),
  );
  return { side, maps };
}

export const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
export const dense = (features: readonly number[]) =>
  [0, 1].map((o) => features.reduce((sum, x, i) => sum + x * DENSE.data[i * 2 + o], OFFSET.data[o]));
export const logitsOf = (maps: Map2) => dense(maps.map(mean));

export const IMAGE = layer('InputLayer', 'image', { batch_input_shape: [null, SIZE, SIZE, 1], dtype: 'float32' });
export const convolution = (config: Record<string, unknown> = {}) =>
  layer('Conv2D', 'conv', { filters: 4, kernel_size: [3, 3], strides: [1, 1], padding: 'same', ...config }, ['image']);
export const head = (from: string) => [
  layer('GlobalAveragePooling2D', 'pool', {}, [from]),
  layer('Dense', 'fc', { units: 2, activation: 'sigmoid' }, ['pool']),
];
export const keras = (layers: readonly unknown[], own: Record<string, Stored> = {}, from = 'between') =>
  modelOf(
    { keras_version: '2.15.0', model_config: functional([IMAGE, ...layers, ...head(from)], 'image', 'fc') },
    { ...CONV, ...own, ...HEAD },
  );

export const shape = (...sizes: number[]) => ({ shape: { dim: sizes.map((size) => ({ size: String(size) })) } });
export const constant = (name: string) => node('Const', name, []);
export const ints = (...data: number[]): Stored => ({ shape: [data.length], data, dtype: 'int32' });

/** A graph model: a convolution with what is fused to it, some nodes, and a head. */
export const graph = (
  nodes: readonly unknown[],
  from: string,
  own: Record<string, Stored> = {},
  names: readonly string[] = [],
) =>
  modelOf(
    {
      node: [
        node('Placeholder', 'image', [], { shape: shape(-1, SIZE, SIZE, 1), dtype: { type: 'DT_FLOAT' } }),
        ...['k', 'b', 'fc/k', 'fc/b', 'axes', ...names].map(constant),
        ...nodes,
        node('Mean', 'mean', [from, 'axes'], { keep_dims: false }),
        node('MatMul', 'product', ['mean', 'fc/k'], { transpose_a: false, transpose_b: false }),
        node('BiasAdd', 'logits', ['product', 'fc/b']),
        node('Sigmoid', 'scores', ['logits']),
        node('Identity', 'Identity', ['scores', '^image']),
      ],
    },
    { k: KERNEL, b: BIAS, 'fc/k': DENSE, 'fc/b': OFFSET, axes: ints(1, 2), ...own },
    2,
    { format: 'graph-model' },
  );
export const conv = (op: string, name: string, more: Record<string, unknown> = {}) =>
  node(op, name, op === 'Conv2D' ? ['image', 'k'] : ['image', 'k', 'b'], {
    ...{ strides: [1, 2, 2, 1], dilations: [1, 1, 1, 1], padding: 'SAME', data_format: 'NHWC', ...more },
  });
