/** A small classifier as an ONNX model, which is run in float64, and what it computes by hand. */
import * as assert from 'uvu/assert';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { readModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import { seededRandom } from '../../src/random.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { type OnnxGraph, type OnnxNode, type OnnxTensor, onnxModel } from './onnx.js';

const random = seededRandom(7);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random() * 2 - 1);
export const weights = (...dims: number[]): OnnxTensor => ({ dims, data: numbers(dims.reduce((a, b) => a * b, 1)) });
export const ints = (...data: number[]): OnnxTensor => ({ dims: [data.length], data, type: 'i64' });
export const node = (
  op: string,
  inputs: string,
  output: string,
  attributes: OnnxNode['attributes'] = {},
): OnnxNode => ({
  op,
  inputs: inputs === '' ? [] : inputs.split(' ').map((name) => (name === '-' ? '' : name)),
  outputs: output.split(' '),
  name: `/${output}`,
  attributes,
});

export const SIZE = 8;
const image = numbers(SIZE * SIZE);

/** Runs an imported model in float64 on one grey image. */
export async function run(graph: OnnxGraph, options: ModelOptions = {}, pixels: ArrayLike<number> = image) {
  const model = await readModel(onnxModel(graph), options);
  const g = createGraph();
  const side = Math.sqrt(pixels.length);
  const input = g.input('image', [1, side, side, 1]);
  const outputs = model.network(g, input);
  const values = new Map<Tensor, Float64Array>([[input, Float64Array.from(pixels)]]);
  for (const [name, tensor] of g.parameters)
    values.set(tensor, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
  const results = evaluateReference(g.finish(Object.values(outputs)), values);
  const valuesOf = (tensor: Tensor) => Array.from(results.get(tensor)!);
  return {
    model,
    logits: valuesOf(outputs.logits),
    probabilities: valuesOf(outputs.probabilities),
    heatmaps: outputs.heatmaps ? valuesOf(outputs.heatmaps) : [],
    operations: g.nodes.map(({ operation }) => operation.name),
  };
}

export const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, bound = 1e-5) => {
  assert.is(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i] - expected[i]) <= bound, `${actual[i]} at ${i}, expected ${expected[i]}`);
};

export const HEAD = { 'fc.w': weights(2, 4), 'fc.b': weights(2) };
export const CONV = { 'conv.w': weights(4, 1, 3, 3), 'conv.b': weights(4) };
export const convolution = node('Conv', 'input conv.w conv.b', 'conv', { pads: [1, 1, 1, 1], kernel_shape: [3, 3] });
const head = (from: string): OnnxNode[] => [
  node('GlobalAveragePool', from, 'pooled'),
  node('Flatten', 'pooled', 'flat'),
  node('Gemm', 'flat fc.w fc.b', 'output', { transB: 1 }),
];

/** Channels of a 3×3 convolution of the image, by hand, [4][8 × 8]. */
export const convolved = Array.from({ length: 4 }, (_, o) =>
  Array.from({ length: SIZE * SIZE }, (_, p) => {
    const [y, x] = [Math.floor(p / SIZE), p % SIZE];
    let sum = CONV['conv.b'].data[o];
    for (let i = 0; i < 9; i++) {
      const [row, column] = [y + Math.floor(i / 3) - 1, x + (i % 3) - 1];
      if (row >= 0 && row < SIZE && column >= 0 && column < SIZE)
        sum += image[row * SIZE + column] * CONV['conv.w'].data[o * 9 + i];
    }
    return sum;
  }),
);
export const average = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
const dense = (inputs: readonly number[]) =>
  [0, 1].map((o) => inputs.reduce((sum, x, i) => sum + x * HEAD['fc.w'].data[o * 4 + i], HEAD['fc.b'].data[o]));
export const relu = convolved.map((map) => map.map((value) => Math.max(0, value)));

/** Logits of the head behind maps [4][positions]. */
export const expectedOf = (maps: readonly (readonly number[])[]) => dense(maps.map(average));

/** A network whose feature maps are the convolution's, changed by some nodes. */
export const behind = (nodes: OnnxNode[], last: string, tensors: OnnxGraph['tensors'] = {}, opset = 17): OnnxGraph => ({
  nodes: [convolution, ...nodes, ...head(last)],
  tensors: { ...CONV, ...HEAD, ...tensors },
  opset,
});
