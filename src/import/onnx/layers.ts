/** Operators that are layers: convolutions, dense layers and poolings, and the table of all of them. */

import { InputError } from '../../errors.js';
import { lpPool } from '../../ops/general/lp_pool.js';
import type { Pair, Sides } from '../../ops/windows.js';
import { reduceOver } from '../general.js';
import { asMap, asValue, mapsOf, Unsupported, type Value } from '../kit.js';
import * as layers from '../layers.js';
import {
  attempt,
  type Call,
  constant,
  listOf,
  map,
  numberOf,
  type Operator,
  optionalConstant,
  shapeOfOperand,
  textOf,
} from './call.js';
import {
  batchNorm,
  groupNormalisation,
  hardmax,
  instanceNorm,
  layerNorm,
  logSoftmax,
  lpNorm,
  lrn,
  meanVarianceNorm,
  rmsNorm,
  softmax,
} from './norms.js';
import { pad } from './padding.js';
import { ofPlanes } from './planes.js';
import { gemm, matMul } from './products.js';
import { dequantise, quantise } from './quantisation.js';

const pairOf = (call: Call, name: string, otherwise: Pair): Pair => {
  const list = listOf(call, name) ?? otherwise;
  if (list.length !== 2) throw new Unsupported(`${name} of ${list.length} dimensions`);
  return [list[0], list[1]];
};

/** The padding: given by the node, or computed from the wanted number of windows (auto_pad). */
function paddingOf(call: Call, x: Value, windows: { kernel: Pair; stride: Pair; dilation: Pair }): Sides {
  const auto = textOf(call, 'auto_pad', 'NOTSET');
  if (auto === 'VALID') return [0, 0, 0, 0];
  if (auto === 'NOTSET') {
    const pads = listOf(call, 'pads') ?? [0, 0, 0, 0];
    if (pads.length !== 4) throw new Unsupported(`pads of ${pads.length} numbers`);
    return pads as unknown as Sides;
  }
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') throw new Unsupported(`auto_pad ${auto}`);
  const [, , height, width] = shapeOfOperand(x);
  const [vertical, horizontal] = [height, width].map((size, axis) => {
    const span = windows.dilation[axis] * (windows.kernel[axis] - 1) + 1;
    const count = Math.ceil(size / windows.stride[axis]);
    const total = Math.max(0, (count - 1) * windows.stride[axis] + span - size);
    const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
    return auto === 'SAME_UPPER' ? [less, more] : [more, less];
  });
  return [vertical[0], horizontal[0], vertical[1], horizontal[1]];
}

function convolution(call: Call): Value {
  const x = map(call);
  const weight = constant(call, 1);
  const { shape } = weight.constant;
  if (shape.length !== 4) throw new Unsupported(`weights of ${shape.length} dimensions`);
  const kernel: Pair = [shape[2], shape[3]];
  const given = pairOf(call, 'kernel_shape', kernel);
  if (given.join() !== kernel.join()) throw new InputError('kernel_shape is not that of the weights');
  const windows = { kernel, stride: pairOf(call, 'strides', [1, 1]), dilation: pairOf(call, 'dilations', [1, 1]) };
  return layers.convolve(call.kit, x, mapsOf(call.kit), {
    weight,
    bias: optionalConstant(call, 2),
    ...{ stride: windows.stride, dilation: windows.dilation },
    padding: paddingOf(call, x, windows),
    groups: numberOf(call, 'group', 1),
  });
}

/** The padding of a transposed convolution removes rows and columns from its result. It may follow from the wanted size of the result. */
function transposedConvolution(call: Call): Value {
  const x = map(call);
  const weight = constant(call, 1);
  const { shape } = weight.constant;
  if (shape.length !== 4) throw new Unsupported(`weights of ${shape.length} dimensions`);
  const groups = numberOf(call, 'group', 1);
  const [stride, dilation] = [pairOf(call, 'strides', [1, 1]), pairOf(call, 'dilations', [1, 1])];
  let outputPadding = pairOf(call, 'output_padding', [0, 0]);
  let padding = listOf(call, 'pads') ?? [0, 0, 0, 0];
  const [, , ...sizes] = shapeOfOperand(x);
  const full = sizes.map((size, axis) => stride[axis] * (size - 1) + dilation[axis] * (shape[2 + axis] - 1) + 1);
  const auto = textOf(call, 'auto_pad', 'NOTSET');
  const wanted =
    listOf(call, 'output_shape')?.slice(-2) ??
    (auto.startsWith('SAME_') ? sizes.map((size, axis) => size * stride[axis]) : undefined);
  if (wanted) {
    const rest = full.map((size, axis) => size + outputPadding[axis] - wanted[axis]);
    const before = rest.map((size) => (auto === 'SAME_UPPER' ? Math.floor(size / 2) : Math.ceil(size / 2)));
    padding = [...before, ...rest.map((size, axis) => size - before[axis])];
  }
  // A negative padding adds rows or columns at the end.
  const more = [0, 1].map((axis) => Math.max(0, -padding[axis + 2]));
  outputPadding = [outputPadding[0] + more[0], outputPadding[1] + more[1]];
  padding = padding.map((side, i) => (i < 2 ? side : Math.max(0, side)));
  if (
    padding.length !== 4 ||
    padding.some((side) => !(side >= 0)) ||
    !['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(auto)
  )
    throw new Unsupported(`pads ${padding.join(', ')} (${auto})`);
  if (outputPadding.some((size, axis) => size >= stride[axis] && size > 0))
    throw new Unsupported(`output_padding ${outputPadding.join(', ')} for strides ${stride.join(', ')}`);
  return layers.convolveTransposed(call.kit, x, mapsOf(call.kit), {
    ...{ weight, bias: optionalConstant(call, 2), stride, dilation, outputPadding, groups },
    padding: padding as unknown as Sides,
  });
}

function pool(mode: 'max' | 'average'): Operator {
  return {
    attributes: [
      ...['kernel_shape', 'strides', 'pads', 'auto_pad', 'ceil_mode', 'dilations'],
      ...(mode === 'max' ? ['storage_order'] : ['count_include_pad']),
    ],
    translate: (call) =>
      ofPlanes(call, (planar) => {
        const x = map(planar);
        if (call.outputs > 1) throw new Unsupported('its second output, the places of the maxima, is read');
        return layers.poolWindows(call.kit, x, mapsOf(call.kit), {
          ...windowsOf(planar, x),
          mode,
          countIncludePad: mode === 'max' || numberOf(call, 'count_include_pad', 0) === 1,
        });
      }),
  };
}

function windowsOf(call: Call, x: Value) {
  const kernel = pairOf(call, 'kernel_shape', [1, 1]);
  const windows = { kernel, stride: pairOf(call, 'strides', [1, 1]), dilation: pairOf(call, 'dilations', [1, 1]) };
  return { ...windows, padding: paddingOf(call, x, windows), ceilMode: numberOf(call, 'ceil_mode', 0) === 1 };
}

/** Pooling over all positions. If they do not lie along rows and columns, they are reduced as any other dimensions. */
const globalPool = (r: number, kind: 'mean' | 'max'): Operator => ({
  translate: (call) =>
    ofPlanes(call, (planar) =>
      attempt(
        () => layers.poolAll(call.kit, map(planar), [2, 3], r, true),
        () => reduceOver(call.kit, map(planar), [2, 3], kind),
      ),
    ),
});

/** Pooling by p-norms over windows, or over all positions. */
function lpPooled(call: Call, isGlobal: boolean): Value {
  return ofPlanes(call, (planar) => {
    const x = map(planar);
    const order = mapsOf(call.kit);
    const tensor = asMap(call.kit, x, order);
    const [, height, width] = tensor.shape;
    const options = { p: numberOf(call, 'p', 2), name: call.kit.name };
    const windows = isGlobal ? { kernel: [height, width] as const } : windowsOf(planar, x);
    return asValue(lpPool(call.kit.g, tensor, { ...windows, ...options }), order, 4);
  });
}

export const layerOperators: Readonly<Record<string, Operator>> = {
  AveragePool: pool('average'),
  BatchNormalization: {
    attributes: ['epsilon', 'momentum', 'spatial', 'training_mode', 'is_test'],
    translate: batchNorm,
  },
  Conv: {
    attributes: ['kernel_shape', 'strides', 'dilations', 'pads', 'auto_pad', 'group'],
    translate: (call) => ofPlanes(call, convolution, 1),
  },
  ConvTranspose: {
    attributes: [
      ...['kernel_shape', 'strides', 'dilations', 'pads', 'auto_pad', 'group'],
      ...['output_padding', 'output_shape'],
    ],
    translate: (call) => ofPlanes(call, transposedConvolution, 1),
  },
  DequantizeLinear: { attributes: ['axis', 'block_size', 'output_dtype'], translate: dequantise },
  Gemm: { attributes: ['alpha', 'beta', 'transA', 'transB'], translate: gemm },
  GlobalAveragePool: globalPool(0, 'mean'),
  GlobalMaxPool: globalPool(Number.POSITIVE_INFINITY, 'max'),
  GlobalLpPool: { attributes: ['p'], translate: (call) => lpPooled(call, true) },
  GroupNormalization: {
    attributes: ['epsilon', 'num_groups', 'stash_type'],
    translate: (call) => ofPlanes(call, groupNormalisation),
  },
  Hardmax: { attributes: ['axis'], translate: hardmax },
  InstanceNormalization: { attributes: ['epsilon'], translate: (call) => ofPlanes(call, instanceNorm) },
  LRN: { attributes: ['size', 'alpha', 'beta', 'bias'], translate: lrn },
  LayerNormalization: { attributes: ['axis', 'epsilon', 'stash_type'], translate: layerNorm },
  LogSoftmax: { attributes: ['axis'], translate: logSoftmax },
  LpNormalization: { attributes: ['axis', 'p'], translate: lpNorm },
  LpPool: {
    attributes: ['kernel_shape', 'strides', 'pads', 'auto_pad', 'ceil_mode', 'dilations', 'p'],
    translate: (call) => lpPooled(call, false),
  },
  MatMul: { translate: matMul },
  MaxPool: pool('max'),
  MeanVarianceNormalization: { attributes: ['axes'], translate: meanVarianceNorm },
  Pad: { attributes: ['mode', 'pads', 'value'], translate: pad },
  QuantizeLinear: { attributes: ['axis', 'saturate', 'block_size', 'output_dtype', 'precision'], translate: quantise },
  RMSNormalization: { attributes: ['axis', 'epsilon', 'stash_type'], translate: rmsNorm },
  Softmax: { attributes: ['axis'], translate: softmax },
};
