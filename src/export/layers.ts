/** The layers of networks in ONNX's operators, by the names of raybox's operations. */
import type { Node } from '../graph/ir/graph.js';
import { channelCount, elementCount, laneChannels, type Tensor } from '../graph/ir/tensor.js';
import type { Activation } from '../ops/layers/activations.js';
import type { Conv2dAttributes } from '../ops/layers/conv2d.attributes.js';
import type { LrnAttributes } from '../ops/layers/lrn.js';
import type { LsePoolAttributes } from '../ops/layers/lse_pool.js';
import type { PadAttributes } from '../ops/layers/pad.js';
import type { Sides } from '../ops/windows.js';
import { activated } from './activations.js';
import type { OnnxBuilder } from './builder.js';
import { pooled } from './pooling.js';
import { resized } from './resizing.js';

/** Writes a node of raybox as nodes of ONNX, and stores its outputs. */
export type Row = (onnx: OnnxBuilder, node: Node) => void;

const first = (node: Node): Tensor => node.outputs[0];
const attributesOf = <A>(node: Node) => node.attributes as A;

/** A parameter as a vector. A factor for each channel may have the shape [c, 1, 1]. */
function vector(onnx: OnnxBuilder, tensor: Tensor): string {
  const value = onnx.stored(tensor);
  return tensor.shape.length === 1 ? value : onnx.add('Reshape', [value, onnx.whole([elementCount(tensor)])]);
}

/** Padding in ONNX's order: before each dimension, then after each. */
export const padsOf = ([top, left, bottom, right]: Sides) => [top, left, bottom, right];

/** An operation of two values, followed by an activation. */
const withEpilogue =
  (operator: string): Row =>
  (onnx, node) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    // One value for each image and channel, beside a map.
    const isVector = b.shape.length === 2 && a.shape.length === 4;
    const factor = isVector ? onnx.add('Unsqueeze', [onnx.stored(b), onnx.whole([2, 3])]) : onnx.stored(b);
    const { activation } = attributesOf<{ activation?: Activation }>(node);
    onnx.store(first(node), activated(onnx, onnx.add(operator, [onnx.stored(a), factor]), activation));
  };

const convolution: Row = (onnx, node) => {
  const [x, weight, bias] = node.inputs as [Tensor, Tensor, Tensor?];
  const { stride, dilation, padding, groups } = attributesOf<Conv2dAttributes>(node);
  const isMatrix = weight.shape.length === 2;
  const window = isMatrix ? onnx.add('Unsqueeze', [onnx.stored(weight), onnx.whole([2, 3])]) : onnx.stored(weight);
  const inputs = [onnx.stored(x), window, ...(bias ? [vector(onnx, bias)] : [])];
  const kernel = isMatrix ? [1, 1] : weight.shape.slice(2);
  onnx.store(
    first(node),
    onnx.add('Conv', inputs, {
      ...{ kernel_shape: kernel, strides: stride, dilations: dilation, pads: padsOf(padding), group: groups },
    }),
  );
};

const batchNorm: Row = (onnx, node) => {
  const [x, ...statistics] = node.inputs as Tensor[];
  const { epsilon, activation } = attributesOf<{ epsilon: number; activation?: Activation }>(node);
  const inputs = [onnx.stored(x), ...statistics.map((one) => vector(onnx, one))];
  const y = onnx.add('BatchNormalization', inputs, { epsilon: { real: epsilon } });
  onnx.store(first(node), activated(onnx, y, activation));
};

const layerNorm: Row = (onnx, node) => {
  const [x, weight, bias] = node.inputs as [Tensor, Tensor, Tensor];
  const { epsilon } = attributesOf<{ epsilon: number }>(node);
  const inputs = [onnx.logical(x), vector(onnx, weight), vector(onnx, bias)];
  const y = onnx.add('LayerNormalization', inputs, { axis: -1, epsilon: { real: epsilon } });
  onnx.storeLogical(first(node), y);
};

/**
 * If a window has an even number of channels, in raybox and PyTorch one more of them is below the channel than above it. In ONNX it is one more
 * above, and runtimes refuse such windows. So the norm is written with an average pooling of the squares, for which channels become rows.
 */
const localResponse: Row = (onnx, node) => {
  const { size, alpha, beta, k } = attributesOf<LrnAttributes>(node);
  const x = onnx.stored(node.inputs[0]!);
  const y = first(node);
  if (size % 2 === 1) {
    const attributes = { size, alpha: { real: alpha }, beta: { real: beta }, bias: { real: k } };
    return onnx.store(y, onnx.add('LRN', [x], attributes));
  }
  const channels = channelCount(y);
  const rows = onnx.add('Reshape', [onnx.add('Mul', [x, x]), onnx.whole([0, 1, channels, -1])]);
  const average = onnx.add('AveragePool', [rows], {
    ...{ kernel_shape: [size, 1], strides: [1, 1], pads: [size / 2, 0, size / 2 - 1, 0], count_include_pad: 1 },
  });
  const squares = onnx.add('Reshape', [average, onnx.whole([0, channels, ...y.shape.slice(1, -1)])]);
  const sum = onnx.add('Add', [onnx.add('Mul', [squares, onnx.real(alpha)]), onnx.real(k)]);
  return onnx.store(y, onnx.add('Div', [x, onnx.add('Pow', [sum, onnx.real(beta)])]));
};

/** Below this sharpness, float32 would lose digits of an exponential near 1. */
const SHARP = 1;
const DOUBLE = 11;

const lsePool: Row = (onnx, node) => {
  const { r, onePixel } = attributesOf<LsePoolAttributes>(node);
  const x = onnx.stored(node.inputs[0]!);
  const y =
    r === 0
      ? onnx.add('GlobalAveragePool', [x])
      : r === Number.POSITIVE_INFINITY
        ? onnx.add('GlobalMaxPool', [x])
        : logSumExp(onnx, x, r);
  onnx.store(first(node), onePixel ? y : onnx.add('Flatten', [y], { axis: 1 }));
};

/** m + ln(mean(exp(r · (x − m)))) / r, with the maximum m of each map. */
function logSumExp(onnx: OnnxBuilder, x: string, sharpness: number): string {
  const r = onnx.real(Math.min(sharpness, 1e30));
  const over = { axes: [2, 3], keepdims: 1 };
  const most = onnx.add('ReduceMax', [x], over);
  const cast = (value: string, to: number) => (sharpness < SHARP ? onnx.add('Cast', [value], { to }) : value);
  const wide = cast(r, DOUBLE);
  const below = cast(onnx.add('Sub', [x, most]), DOUBLE);
  const mean = onnx.add('ReduceMean', [onnx.add('Exp', [onnx.add('Mul', [below, wide])])], over);
  return onnx.add('Add', [most, cast(onnx.add('Div', [onnx.add('Log', [mean]), wide]), 1)]);
}

const shuffle: Row = (onnx, node) => {
  const { groups } = attributesOf<{ groups: number }>(node);
  const y = first(node);
  const channels = channelCount(y);
  const rest = y.shape.slice(1, -1);
  const table = onnx.add('Reshape', [
    onnx.stored(node.inputs[0]!),
    onnx.whole([0, groups, channels / groups, ...rest]),
  ]);
  const turned = onnx.transposed(table, [0, 2, 1, ...rest.map((_, d) => d + 3)]);
  onnx.store(y, onnx.add('Reshape', [turned, onnx.whole([0, channels, ...rest])]));
};

const classActivationMap: Row = (onnx, node) => {
  const [x, weight] = node.inputs as [Tensor, Tensor];
  const window = onnx.add('Unsqueeze', [onnx.stored(weight), onnx.whole([2, 3])]);
  onnx.store(first(node), onnx.add('Conv', [onnx.stored(x), window], { kernel_shape: [1, 1] }));
};

const linear: Row = (onnx, node) => {
  const inputs = (node.inputs as (Tensor | undefined)[]).flatMap((tensor) => (tensor ? [onnx.stored(tensor)] : []));
  onnx.store(first(node), onnx.add('Gemm', inputs, { transB: 1 }));
};

const slice: Row = (onnx, node) => {
  const [x] = node.inputs as [Tensor];
  const { offset } = attributesOf<{ offset: number }>(node);
  const from = laneChannels(x)[offset * 4];
  const [starts, ends] = [[from], [from + channelCount(first(node))]].map((list) => onnx.whole(list));
  onnx.store(first(node), onnx.add('Slice', [onnx.stored(x), starts, ends, onnx.whole([1])]));
};

const pad: Row = (onnx, node) => {
  const { padding, value } = attributesOf<PadAttributes>(node);
  const [top, left, bottom, right] = padding;
  const pads = onnx.whole([0, 0, top, left, 0, 0, bottom, right]);
  onnx.store(first(node), onnx.add('Pad', [onnx.stored(node.inputs[0]!), pads, onnx.real(value)]));
};

const softmax: Row = (onnx, node) => {
  const [x] = node.inputs as [Tensor];
  const axis = x.layout === 'nhwc4' ? 1 : -1;
  onnx.store(first(node), onnx.add('Softmax', [onnx.stored(x)], { axis }));
};

export const layerRows: Readonly<Record<string, Row>> = {
  activation: (onnx, node) => {
    const { activation } = attributesOf<{ activation: Activation }>(node);
    onnx.store(first(node), activated(onnx, onnx.stored(node.inputs[0]!), activation));
  },
  add: withEpilogue('Add'),
  mul: withEpilogue('Mul'),
  batch_norm: batchNorm,
  channel_shuffle: shuffle,
  class_activation_map: classActivationMap,
  // ONNX does not know in which lanes channels lie on the GPU.
  compact: (onnx, node) => onnx.store(first(node), onnx.stored(node.inputs[0]!)),
  concat: (onnx, node) => {
    const parts = (node.inputs as Tensor[]).map((tensor) => onnx.stored(tensor));
    onnx.store(first(node), onnx.add('Concat', parts, { axis: 1 }));
  },
  conv2d: convolution,
  layer_norm: layerNorm,
  linear,
  lrn: localResponse,
  lse_pool: lsePool,
  pad,
  pool: pooled,
  resize: resized,
  slice,
  softmax,
};
