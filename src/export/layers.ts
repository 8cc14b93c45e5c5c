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
import { pooled } from './pooling.js';
import { resized } from './resizing.js';
import type { Sheet } from './sheet.js';

/** Writes a node of raybox as nodes of ONNX, and stores what it puts out. */
export type Row = (sheet: Sheet, node: Node) => void;

const first = (node: Node): Tensor => node.outputs[0];
const attributesOf = <A>(node: Node) => node.attributes as A;

/** A parameter as a list: a factor for each channel may be saved as [c, 1, 1]. */
function vector(sheet: Sheet, tensor: Tensor): string {
  const value = sheet.stored(tensor);
  return tensor.shape.length === 1 ? value : sheet.add('Reshape', [value, sheet.whole([elementCount(tensor)])]);
}

/** Padding in ONNX's order: what is before all dimensions, then what is behind them. */
export const padsOf = ([top, left, bottom, right]: Sides) => [top, left, bottom, right];

/** An operation of two values and an activation behind it. */
const withEpilogue =
  (operator: string): Row =>
  (sheet, node) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    // One value for each image and channel, beside a map.
    const isVector = b.shape.length === 2 && a.shape.length === 4;
    const factor = isVector ? sheet.add('Unsqueeze', [sheet.stored(b), sheet.whole([2, 3])]) : sheet.stored(b);
    const { activation } = attributesOf<{ activation?: Activation }>(node);
    sheet.store(first(node), activated(sheet, sheet.add(operator, [sheet.stored(a), factor]), activation));
  };

const convolution: Row = (sheet, node) => {
  const [x, weight, bias] = node.inputs as [Tensor, Tensor, Tensor?];
  const { stride, dilation, padding, groups } = attributesOf<Conv2dAttributes>(node);
  const isMatrix = weight.shape.length === 2;
  const window = isMatrix ? sheet.add('Unsqueeze', [sheet.stored(weight), sheet.whole([2, 3])]) : sheet.stored(weight);
  const inputs = [sheet.stored(x), window, ...(bias ? [vector(sheet, bias)] : [])];
  const kernel = isMatrix ? [1, 1] : weight.shape.slice(2);
  sheet.store(
    first(node),
    sheet.add('Conv', inputs, {
      ...{ kernel_shape: kernel, strides: stride, dilations: dilation, pads: padsOf(padding), group: groups },
    }),
  );
};

const batchNorm: Row = (sheet, node) => {
  const [x, ...statistics] = node.inputs as Tensor[];
  const { epsilon, activation } = attributesOf<{ epsilon: number; activation?: Activation }>(node);
  const inputs = [sheet.stored(x), ...statistics.map((one) => vector(sheet, one))];
  const y = sheet.add('BatchNormalization', inputs, { epsilon: { real: epsilon } });
  sheet.store(first(node), activated(sheet, y, activation));
};

const layerNorm: Row = (sheet, node) => {
  const [x, weight, bias] = node.inputs as [Tensor, Tensor, Tensor];
  const { epsilon } = attributesOf<{ epsilon: number }>(node);
  const inputs = [sheet.logical(x), vector(sheet, weight), vector(sheet, bias)];
  const y = sheet.add('LayerNormalization', inputs, { axis: -1, epsilon: { real: epsilon } });
  sheet.storeLogical(first(node), y);
};

/**
 * A window of an even number of channels has one more below than above in raybox and PyTorch, and one more above in ONNX, whose runtimes refuse
 * it. So it is written as the average of squares over channels, which become rows for that.
 */
const localResponse: Row = (sheet, node) => {
  const { size, alpha, beta, k } = attributesOf<LrnAttributes>(node);
  const x = sheet.stored(node.inputs[0]!);
  const y = first(node);
  if (size % 2 === 1) {
    const attributes = { size, alpha: { real: alpha }, beta: { real: beta }, bias: { real: k } };
    return sheet.store(y, sheet.add('LRN', [x], attributes));
  }
  const channels = channelCount(y);
  const rows = sheet.add('Reshape', [sheet.add('Mul', [x, x]), sheet.whole([0, 1, channels, -1])]);
  const average = sheet.add('AveragePool', [rows], {
    ...{ kernel_shape: [size, 1], strides: [1, 1], pads: [size / 2, 0, size / 2 - 1, 0], count_include_pad: 1 },
  });
  const squares = sheet.add('Reshape', [average, sheet.whole([0, channels, ...y.shape.slice(1, -1)])]);
  const sum = sheet.add('Add', [sheet.add('Mul', [squares, sheet.real(alpha)]), sheet.real(k)]);
  return sheet.store(y, sheet.add('Div', [x, sheet.add('Pow', [sum, sheet.real(beta)])]));
};

/** Below this sharpness, float32 would lose digits of an exponential near 1. */
const SHARP = 1;
const DOUBLE = 11;

const lsePool: Row = (sheet, node) => {
  const { r, onePixel } = attributesOf<LsePoolAttributes>(node);
  const x = sheet.stored(node.inputs[0]!);
  const y =
    r === 0
      ? sheet.add('GlobalAveragePool', [x])
      : r === Number.POSITIVE_INFINITY
        ? sheet.add('GlobalMaxPool', [x])
        : logSumExp(sheet, x, r);
  sheet.store(first(node), onePixel ? y : sheet.add('Flatten', [y], { axis: 1 }));
};

/** m + ln(mean(exp(r · (x − m)))) / r, with the maximum m of each map. */
function logSumExp(sheet: Sheet, x: string, sharpness: number): string {
  const r = sheet.real(Math.min(sharpness, 1e30));
  const over = { axes: [2, 3], keepdims: 1 };
  const most = sheet.add('ReduceMax', [x], over);
  const cast = (value: string, to: number) => (sharpness < SHARP ? sheet.add('Cast', [value], { to }) : value);
  const wide = cast(r, DOUBLE);
  const below = cast(sheet.add('Sub', [x, most]), DOUBLE);
  const mean = sheet.add('ReduceMean', [sheet.add('Exp', [sheet.add('Mul', [below, wide])])], over);
  return sheet.add('Add', [most, cast(sheet.add('Div', [sheet.add('Log', [mean]), wide]), 1)]);
}

const shuffle: Row = (sheet, node) => {
  const { groups } = attributesOf<{ groups: number }>(node);
  const y = first(node);
  const channels = channelCount(y);
  const rest = y.shape.slice(1, -1);
  const table = sheet.add('Reshape', [
    sheet.stored(node.inputs[0]!),
    sheet.whole([0, groups, channels / groups, ...rest]),
  ]);
  const turned = sheet.transposed(table, [0, 2, 1, ...rest.map((_, d) => d + 3)]);
  sheet.store(y, sheet.add('Reshape', [turned, sheet.whole([0, channels, ...rest])]));
};

const classActivationMap: Row = (sheet, node) => {
  const [x, weight] = node.inputs as [Tensor, Tensor];
  const window = sheet.add('Unsqueeze', [sheet.stored(weight), sheet.whole([2, 3])]);
  sheet.store(first(node), sheet.add('Conv', [sheet.stored(x), window], { kernel_shape: [1, 1] }));
};

const linear: Row = (sheet, node) => {
  const inputs = (node.inputs as (Tensor | undefined)[]).flatMap((tensor) => (tensor ? [sheet.stored(tensor)] : []));
  sheet.store(first(node), sheet.add('Gemm', inputs, { transB: 1 }));
};

const slice: Row = (sheet, node) => {
  const [x] = node.inputs as [Tensor];
  const { offset } = attributesOf<{ offset: number }>(node);
  const from = laneChannels(x)[offset * 4];
  const [starts, ends] = [[from], [from + channelCount(first(node))]].map((list) => sheet.whole(list));
  sheet.store(first(node), sheet.add('Slice', [sheet.stored(x), starts, ends, sheet.whole([1])]));
};

const pad: Row = (sheet, node) => {
  const { padding, value } = attributesOf<PadAttributes>(node);
  const [top, left, bottom, right] = padding;
  const pads = sheet.whole([0, 0, top, left, 0, 0, bottom, right]);
  sheet.store(first(node), sheet.add('Pad', [sheet.stored(node.inputs[0]!), pads, sheet.real(value)]));
};

const softmax: Row = (sheet, node) => {
  const [x] = node.inputs as [Tensor];
  const axis = x.layout === 'nhwc4' ? 1 : -1;
  sheet.store(first(node), sheet.add('Softmax', [sheet.stored(x)], { axis }));
};

export const layerRows: Readonly<Record<string, Row>> = {
  activation: (sheet, node) => {
    const { activation } = attributesOf<{ activation: Activation }>(node);
    sheet.store(first(node), activated(sheet, sheet.stored(node.inputs[0]!), activation));
  },
  add: withEpilogue('Add'),
  mul: withEpilogue('Mul'),
  batch_norm: batchNorm,
  channel_shuffle: shuffle,
  class_activation_map: classActivationMap,
  // Where channels lie on the GPU is nothing that ONNX has.
  compact: (sheet, node) => sheet.store(first(node), sheet.stored(node.inputs[0]!)),
  concat: (sheet, node) => {
    const parts = (node.inputs as Tensor[]).map((tensor) => sheet.stored(tensor));
    sheet.store(first(node), sheet.add('Concat', parts, { axis: 1 }));
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
