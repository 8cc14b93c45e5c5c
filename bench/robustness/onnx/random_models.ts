/** Random small classifiers as ONNX models, and what raybox computes of them in float64. */
import { createGraph } from '../../../src/graph/ir/graph.js';
import type { Tensor } from '../../../src/graph/ir/tensor.js';
import { readModel } from '../../../src/localizer/weights/model.js';
import { evaluateReference } from '../../../src/verify/reference.js';
import { type OnnxNode, onnxModel } from '../../../test/support/onnx.js';
import { Growing, type Grown } from './growing.js';
import { classes, newerSteps } from './newer_steps.js';
import { convolution, usualSteps } from './usual_steps.js';

export interface RandomModel {
  readonly bytes: Uint8Array;
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly side: number;
  readonly channels: number;
  /** [channels, rows, columns]. */
  readonly pixels: Float32Array;
}

/** The versions of operators that changed something which these steps use. */
const OPSETS = [11, 12, 13, 17, 18, 21, 23];
const LARGEST = 3000;

/** A model with the input [1, channels, side, side] and the output [1, 3]. The same seed gives the same model. */
export function randomModel(seed: number): RandomModel {
  const net = new Growing(seed, OPSETS[seed % OPSETS.length]);
  const [side, channels] = [6 + net.below(6), net.one([1, 3])];
  let x: Grown = { name: 'input', shape: [channels, side, side] };
  const steps = 3 + net.below(8);
  for (let i = 0; i < steps; i++) {
    const [nodes, before] = [net.nodes.length, x];
    const next = i === 0 ? convolution(net, x) : net.one(net.one([usualSteps, newerSteps]))(net, x);
    const fits = next?.shape.every((size) => size >= 1) && next.shape.reduce((a, b) => a * b, 1) <= LARGEST;
    if (!next || !fits) net.nodes.splice(nodes);
    else x = next;
    if (x !== before) net.values.push(x);
  }
  classes(net, x);
  const { nodes, tensors, opset } = net;
  const inputs = { input: [1, channels, side, side] };
  const pixels = Float32Array.from({ length: channels * side * side }, () => net.random() * 2 - 1);
  const bytes = onnxModel({ nodes, tensors, opset, inputs, outputs: { output: [1, 3] } });
  return { bytes, opset, nodes, side, channels, pixels };
}

/** The logits that raybox computes for the same image `images` times. */
export async function logitsOf(
  { bytes, pixels, side, channels }: RandomModel,
  images = 1,
): Promise<readonly Float64Array[]> {
  const model = await readModel(bytes, {});
  const g = createGraph();
  const input = g.input('image', [images, side, side, channels]);
  const { logits } = model.network(g, input);
  const positions = side * side;
  const places = Array.from(pixels, (_, i) => (i % channels) * positions + Math.floor(i / channels));
  const all = Float64Array.from({ length: images * pixels.length }, (_, i) => pixels[places[i % pixels.length]]);
  const values = new Map<Tensor, Float64Array>([[input, all]]);
  for (const [name, one] of g.parameters) values.set(one, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
  const found = evaluateReference(g.finish([logits]), values).get(logits)!;
  const length = found.length / images;
  return Array.from({ length: images }, (_, i) => found.slice(i * length, (i + 1) * length));
}

/** The largest difference between two lists, as a share of the largest expected number, which counts as at least 1. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const numbers = Array.from(expected);
  const size = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const worst = numbers.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]) || 0), 0) / size;
  const isSame = numbers.every((value, i) => Number.isFinite(value) === Number.isFinite(actual[i]));
  return isSame ? worst : Number.POSITIVE_INFINITY;
}
