/**
 * Runs the nodes of a task in TensorFlow.js, on its WebGPU back end, as its converter of models prepares them: batch norms are folded into
 * convolutions where possible, and bias and activation belong to the convolution. Maps are NHWC, as TensorFlow.js has them.
 */
import { join } from 'node:path';
import type { OnnxNode } from '../../src/export/builder.js';
import { describe, openGpu } from '../../src/gpu/device.js';
import { product } from '../../src/graph/ir/tensor.js';
import { channelsLast } from './channels.js';
import type { StartEngine } from './engine.js';
import { refuseHalves } from './onnx_session.js';
import { readNumbers, readWeights } from './task.js';
import { filter, loadTensorFlow, type Tensor, type TensorFlow } from './tensorflow.js';

export const startTensorFlow: StartEngine = async (folder, task) => {
  refuseHalves(task);
  const gpu = await openGpu();
  const tf = await loadTensorFlow(gpu);
  const [batch, channels, height, width] = task.image;
  const image = channelsLast(readNumbers(join(folder, 'image.bin')), task.image);
  let compute: (x: Tensor) => Map<string, Tensor>;
  const run = async () => {
    const kept = tf.tidy(() => {
      const values = compute(tf.tensor(image, [batch, height, width, channels]));
      return [values.get('logits')!, tf.transpose(values.get('heatmaps')!, [0, 3, 1, 2])];
    });
    const outputs = await Promise.all(kept.map((tensor) => tensor.data()));
    for (const tensor of kept) tensor.dispose();
    return outputs;
  };
  return {
    name: `tensorflow.js ${tf.version_core} webgpu`,
    device: describe(gpu.info),
    async first() {
      const shapes = new Map(task.tensors.map(({ name, shape }) => [name, shape]));
      compute = prepare(tf, fuse(task.nodes, readWeights(folder, task), shapes));
      return run();
    },
    run,
    close: () => gpu.close(),
  };
};

/** Numbers with their shape, in ONNX's order. */
interface Weight {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

interface Fused {
  readonly nodes: readonly (OnnxNode & { activation?: string })[];
  readonly weights: ReadonlyMap<string, Weight>;
}

/** Folds batch norms and joins activations where a convolution's result is read by nothing else. */
function fuse(
  given: readonly OnnxNode[],
  values: ReadonlyMap<string, Float32Array>,
  shapes: ReadonlyMap<string, readonly number[]>,
): Fused {
  const weights = new Map<string, Weight>();
  for (const [name, shape] of shapes) weights.set(name, { values: values.get(name)!, shape });
  const readers = new Map<string, number>();
  for (const input of given.flatMap(({ inputs }) => inputs)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const nodes: (OnnxNode & { activation?: string })[] = [];
  const convolutions = new Map<string, number>(); // the index in `nodes` by the name of the result
  for (const node of given) {
    const [x] = node.inputs;
    const at = readers.get(x) === 1 ? convolutions.get(x) : undefined;
    const before = at === undefined ? undefined : nodes[at];
    const activation = activationOf(node, weights);
    if (node.operator === 'Unsqueeze' && weights.has(x)) {
      const { values: numbers, shape } = weights.get(x)!;
      weights.set(node.outputs[0], { values: numbers, shape: [...shape, 1, 1] });
      continue;
    }
    if (before && node.operator === 'BatchNormalization') {
      nodes[at!] = { ...before, inputs: folded(before, node, weights), outputs: node.outputs };
    } else if (before && activation && !before.activation) {
      nodes[at!] = { ...before, outputs: node.outputs, activation };
    } else nodes.push(node);
    if (before && nodes[at!].outputs === node.outputs) convolutions.set(node.outputs[0], at!);
    else if (node.operator === 'Conv') convolutions.set(node.outputs[0], nodes.length - 1);
  }
  return { nodes, weights };
}

function activationOf({ operator, inputs }: OnnxNode, weights: ReadonlyMap<string, Weight>): string | undefined {
  if (operator === 'Relu') return 'relu';
  const bounds = inputs.slice(1).map((name) => weights.get(name)?.values[0]);
  return operator === 'Clip' && bounds[0] === 0 && bounds[1] === 6 ? 'relu6' : undefined;
}

/** Multiplies a convolution's weights by the factors of its batch norm, adds their bias, and returns the convolution's new inputs. */
function folded(conv: OnnxNode, { inputs: norm, attributes }: OnnxNode, weights: Map<string, Weight>): string[] {
  const [x, name, biasName] = conv.inputs;
  const { values, shape } = weights.get(name)!;
  const [scale, offset, mean, variance] = norm.slice(1).map((one) => weights.get(one)!.values);
  const { real: epsilon } = (attributes.epsilon ?? { real: 1e-5 }) as { real: number };
  const factors = scale.map((one, c) => one / Math.sqrt(variance[c] + epsilon));
  const per = values.length / shape[0];
  const bias = biasName ? weights.get(biasName)!.values : new Float32Array(shape[0]);
  const renamed = [`${name}/folded`, `${name}/bias`];
  weights.set(renamed[0], { values: values.map((value, i) => value * factors[Math.floor(i / per)]), shape });
  const biases = offset.map((one, c) => one + (bias[c] - mean[c]) * factors[c]);
  weights.set(renamed[1], { values: biases, shape: [shape[0]] });
  return [x, ...renamed];
}

/** The dimension in NHWC of one in ONNX's NCHW. */
const axisOf = (axis: number) => [0, 3, 1, 2][axis];

/** Uploads the weights and returns the function that runs all nodes and gives their values by name. */
function prepare(tf: TensorFlow, { nodes, weights }: Fused): (x: Tensor) => Map<string, Tensor> {
  const constants = new Map<string, Tensor>();
  const grouped = new Set(nodes.filter((node) => groupsOf(node) > 1).map(({ inputs }) => inputs[1]));
  for (const name of new Set(nodes.flatMap(({ inputs }) => inputs))) {
    const weight = weights.get(name);
    if (!weight) continue;
    const { values, shape } = weight;
    // A depthwise filter has one input for each group, so that it becomes [h, w, channels, 1].
    const order = grouped.has(name) ? [1, shape[0], ...shape.slice(2)] : shape;
    constants.set(name, shape.length === 4 ? tf.tensor(...filter(values, order)) : tf.tensor(values, shape));
  }
  return (image) => {
    const values = new Map(constants).set('image', image);
    for (const node of nodes) {
      const row = ROWS[node.operator];
      if (!row) throw new Error(`the benchmark has no ${node.operator} for TensorFlow.js`);
      const inputs = node.inputs.map((name) => values.get(name)!);
      values.set(node.outputs[0], row(tf, inputs, node, weights));
    }
    return values;
  };
}

const groupsOf = ({ attributes }: OnnxNode) => (attributes.group as number | undefined) ?? 1;

type Row = (
  tf: TensorFlow,
  inputs: readonly Tensor[],
  node: OnnxNode & { activation?: string },
  weights: Fused['weights'],
) => Tensor;

const ROWS: Readonly<Record<string, Row>> = {
  Conv(tf, [x, filterTensor, bias], node) {
    const [top = 0, left = 0, bottom = 0, right = 0] = numbersOf(node, 'pads');
    const pad = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ] as const;
    const [stride = 1] = numbersOf(node, 'strides');
    const { activation } = node;
    const given = { x, filter: filterTensor, strides: stride, pad, bias, activation };
    return groupsOf(node) > 1 ? tf.fused.depthwiseConv2d(given) : tf.fused.conv2d(given);
  },
  BatchNormalization: (tf, [x, scale, offset, mean, variance], { attributes }) =>
    tf.batchNorm(x, mean, variance, offset, scale, (attributes.epsilon as { real: number } | undefined)?.real ?? 1e-5),
  Relu: (tf, [x]) => tf.relu(x),
  Clip: (tf, [x], node, weights) => {
    const [least, most] = node.inputs.slice(1).map((name) => weights.get(name)!.values[0]);
    return tf.clipByValue(x, least, most);
  },
  MaxPool: (tf, [x], node) => {
    const [size] = numbersOf(node, 'kernel_shape');
    const [stride] = numbersOf(node, 'strides');
    return tf.maxPool(padded(tf, x, node, size, stride), size, stride, 'valid');
  },
  AveragePool: (tf, [x], node) => {
    const [size] = numbersOf(node, 'kernel_shape');
    if (numbersOf(node, 'pads').some((pad) => pad > 0)) throw new Error('the benchmark has no padded averages');
    return tf.avgPool(x, size, numbersOf(node, 'strides')[0], 'valid');
  },
  Concat: (tf, inputs, { attributes }) => tf.concat(inputs, axisOf(attributes.axis as number)),
  Add: (tf, [a, b]) => tf.add(a, b),
  Sub: (tf, [a, b]) => tf.sub(a, b),
  Mul: (tf, [a, b]) => tf.mul(a, b),
  Div: (tf, [a, b]) => tf.div(a, b),
  Exp: (tf, [x]) => tf.exp(x),
  Log: (tf, [x]) => tf.log(x),
  ReduceMax: (tf, [x], node) => tf.max(x, numbersOf(node, 'axes').map(axisOf), true),
  ReduceMean: (tf, [x], node) => tf.mean(x, numbersOf(node, 'axes').map(axisOf), true),
  Flatten: (tf, [x]) => tf.reshape(x, [x.shape[0], product(x.shape.slice(1))]),
  Gemm: (tf, [x, weight, bias]) => tf.add(tf.matMul(x, weight, false, true), bias),
  Sigmoid: (tf, [x]) => tf.sigmoid(x),
};

const numbersOf = ({ attributes }: OnnxNode, name: string) => (attributes[name] as readonly number[] | undefined) ?? [];

/** Below everything that a network computes. */
const LOWEST = -1e38;

/** Pads a map for a maximum, also at its end where the last window would not be full. */
function padded(tf: TensorFlow, x: Tensor, node: OnnxNode, size: number, stride: number): Tensor {
  const [top = 0, left = 0, bottom = 0, right = 0] = numbersOf(node, 'pads');
  const round = node.attributes.ceil_mode ? Math.ceil : Math.floor;
  const ends = [
    [x.shape[1], top, bottom],
    [x.shape[2], left, right],
  ].map(([length, before, after]) => {
    const last = round((length + before + after - size) / stride) * stride;
    return [before, Math.max(0, last + size - length - before)] as const;
  });
  if (ends.flat().every((one) => one === 0)) return x;
  return tf.pad(x, [[0, 0], ...ends, [0, 0]], LOWEST);
}
