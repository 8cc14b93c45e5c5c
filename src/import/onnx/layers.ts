/** Operators that are layers: convolutions, dense layers and poolings, and the table of all of them. */

import { InputError } from '../../errors.js';
import type { Pair, Sides } from '../../ops/windows.js';
import { product } from '../general.js';
import { mapsOf, Unsupported, type Value } from '../kit.js';
import * as layers from '../layers.js';
import {
  type Call,
  constant,
  isValue,
  listOf,
  map,
  numberOf,
  type Operand,
  type Operator,
  optionalConstant,
  shapeOfOperand,
  textOf,
  value,
} from './call.js';
import { batchNorm, instanceNorm, layerNorm, logSoftmax, lrn, softmax } from './norms.js';
import { pad } from './padding.js';
import { dequantise, quantise } from './quantisation.js';

const pairOf = (call: Call, name: string, otherwise: Pair): Pair => {
  const list = listOf(call, name) ?? otherwise;
  if (list.length !== 2) throw new Unsupported(`${name} of ${list.length} dimensions`);
  return [list[0], list[1]];
};

/** Padding that is given, or that follows from how many windows there shall be. */
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

/** Padding of a transposed convolution takes rows and columns away from its result; it may follow from the size that the result shall have. */
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
  // Where less than nothing is taken away, there is more behind the end.
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
    translate(call) {
      const x = map(call);
      if (call.outputs > 1) throw new Unsupported('the places of the maxima are read');
      const kernel = pairOf(call, 'kernel_shape', [1, 1]);
      const windows = { kernel, stride: pairOf(call, 'strides', [1, 1]), dilation: pairOf(call, 'dilations', [1, 1]) };
      return layers.poolWindows(call.kit, x, mapsOf(call.kit), {
        ...windows,
        mode,
        padding: paddingOf(call, x, windows),
        ceilMode: numberOf(call, 'ceil_mode', 0) === 1,
        countIncludePad: mode === 'max' || numberOf(call, 'count_include_pad', 0) === 1,
      });
    },
  };
}

const globalPool = (r: number): Operator => ({
  translate: (call) => layers.poolAll(call.kit, map(call), [2, 3], r, true),
});

function gemm(call: Call): Operand {
  const [a, b] = [value(call, 0), constant(call, 1)];
  if (numberOf(call, 'transA', 0) !== 0) throw new Unsupported('its first factor is transposed (transA)');
  if (a.dims.length !== 2) throw new Unsupported(`its first factor has ${a.dims.length} dimensions`);
  const bias = optionalConstant(call, 2);
  const outputs = b.constant.shape[numberOf(call, 'transB', 0) === 0 ? 1 : 0];
  if (bias && bias.constant.count > 1 && (bias.constant.shape.at(-1) !== outputs || bias.constant.count !== outputs))
    throw new Unsupported(`a summand of ${bias.constant.shape.join('×')}`);
  return layers.dense(call.kit, a, {
    weight: b,
    transposed: numberOf(call, 'transB', 0) === 0,
    bias,
    factor: numberOf(call, 'alpha', 1),
    biasFactor: numberOf(call, 'beta', 1),
  });
}

function matMul(call: Call): Value {
  const [a, b] = call.operands;
  if (a && b && isValue(a) && isValue(b)) return product(call.kit, a, b);
  if (!a || !b || !isValue(a) || isValue(b)) throw new Unsupported('it multiplies constants by a computed value');
  return layers.dense(call.kit, a, { weight: constant(call, 1), transposed: true });
}

export const layerOperators: Readonly<Record<string, Operator>> = {
  AveragePool: pool('average'),
  BatchNormalization: {
    attributes: ['epsilon', 'momentum', 'spatial', 'training_mode', 'is_test'],
    translate: batchNorm,
  },
  Conv: {
    attributes: ['kernel_shape', 'strides', 'dilations', 'pads', 'auto_pad', 'group'],
    translate: convolution,
  },
  ConvTranspose: {
    attributes: [
      ...['kernel_shape', 'strides', 'dilations', 'pads', 'auto_pad', 'group'],
      ...['output_padding', 'output_shape'],
    ],
    translate: transposedConvolution,
  },
  DequantizeLinear: { attributes: ['axis', 'block_size', 'output_dtype'], translate: dequantise },
  Gemm: { attributes: ['alpha', 'beta', 'transA', 'transB'], translate: gemm },
  GlobalAveragePool: globalPool(0),
  GlobalMaxPool: globalPool(Number.POSITIVE_INFINITY),
  InstanceNormalization: { attributes: ['epsilon'], translate: instanceNorm },
  LRN: { attributes: ['size', 'alpha', 'beta', 'bias'], translate: lrn },
  LayerNormalization: { attributes: ['axis', 'epsilon', 'stash_type'], translate: layerNorm },
  LogSoftmax: { attributes: ['axis'], translate: logSoftmax },
  MatMul: { translate: matMul },
  MaxPool: pool('max'),
  Pad: { attributes: ['mode', 'pads', 'value'], translate: pad },
  QuantizeLinear: { attributes: ['axis', 'saturate', 'block_size', 'output_dtype', 'precision'], translate: quantise },
  Softmax: { attributes: ['axis'], translate: softmax },
};
