/** Operators that are layers: convolutions, dense layers, poolings, norms. */
import { InputError } from '../../errors.js';
import { localResponseNorm } from '../../ops/layers/lrn.js';
import { softmax as addSoftmax } from '../../ops/layers/softmax.js';
import type { Pair, Sides } from '../../ops/windows.js';
import { activate, scaleAndShift } from '../elementwise.js';
import { combine, padMap, pick, product, reduceOver, softmaxAlong, standardise } from '../general.js';
import { asMap, asValue, mapsOf, settled, Unsupported, type Value } from '../kit.js';
import * as layers from '../layers.js';
import { constantOf, countOf } from '../plain.js';
import { isWhole } from '../views.js';
import {
  axisOf,
  type Call,
  constant,
  isValue,
  listInput,
  listOf,
  numberInput,
  numberOf,
  type Operand,
  type Operator,
  optionalConstant,
  shapeOfOperand,
  textOf,
  value,
} from './call.js';
import { dequantised } from './casts.js';

export function map(call: Call, index = 0): Value {
  const x = value(call, index);
  if (x.dims.length === 4) return x;
  throw new Unsupported(
    `it works on ${Math.max(0, x.dims.length - 2)} dimensions beside images and channels`,
    'raybox runs networks for images, which have two',
  );
}

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

function batchNorm(call: Call): Value {
  if (numberOf(call, 'training_mode', 0) === 1 || call.outputs > 1)
    throw new Unsupported(
      'it runs as in training, with the statistics of a batch',
      'export the model in evaluation mode: model.eval()',
    );
  if (numberOf(call, 'spatial', 1) !== 1) throw new Unsupported('it normalises each position by itself (spatial 0)');
  const parameters = [1, 2, 3, 4].map((i) => constant(call, i));
  return layers.normalise(call.kit, value(call, 0), 1, parameters, numberOf(call, 'epsilon', 1e-5));
}

function layerNorm(call: Call): Value {
  const x = value(call, 0);
  if (axisOf(numberOf(call, 'axis', -1), x.dims.length) !== x.dims.length - 1)
    throw new Unsupported('it normalises several dimensions');
  if (call.outputs > 1) throw new Unsupported('its mean and deviation are read');
  const weight = constant(call, 1);
  const zeros = { name: `${weight.name}.zeros`, constant: constantOf([1], Float32Array.of(0)) };
  return layers.layerNorm(call.kit, x, weight, optionalConstant(call, 2) ?? zeros, numberOf(call, 'epsilon', 1e-5));
}

function lrn(call: Call): Value {
  const size = numberOf(call, 'size', 0);
  // Of an even size one neighbour more is above the channel in ONNX, and below it in raybox.
  if (size % 2 !== 1) throw new Unsupported(`it joins an even number of channels (size ${size})`);
  const options = {
    size,
    ...{ alpha: numberOf(call, 'alpha', 1e-4), beta: numberOf(call, 'beta', 0.75), k: numberOf(call, 'bias', 1) },
  };
  const order = mapsOf(call.kit);
  const x = asMap(call.kit, map(call), order);
  return asValue(localResponseNorm(call.kit.g, x, { ...options, name: call.kit.name }), order, 4);
}

function softmax(call: Call): Value {
  const x = value(call, 0);
  const shape = shapeOfOperand(x);
  const axis = axisOf(numberOf(call, 'axis', call.version < 13 ? 1 : -1), shape.length);
  const { tensor, dims } = settled(call.kit, x);
  // Up to version 12 all dimensions from the axis on were one.
  if (call.version < 13 && countOf(shape.slice(axis + 1)) > 1) throw new Unsupported('it joins several dimensions');
  if (!isWhole(dims[axis], 'c', tensor.shape[3])) return softmaxAlong(call.kit, x, axis);
  return { tensor: addSoftmax(call.kit.g, tensor, call.kit.name), dims };
}

/** x minus the logarithm of the sum of all powers of e along a dimension. */
function logSoftmax(call: Call): Value {
  const x = value(call, 0);
  const shape = shapeOfOperand(x);
  const axis = axisOf(numberOf(call, 'axis', call.version < 13 ? 1 : -1), shape.length);
  if (call.version < 13 && countOf(shape.slice(axis + 1)) > 1) throw new Unsupported('it joins several dimensions');
  return combine(call.kit, x, reduceOver(call.kit, x, [axis], 'log_sum_exp'), 'sub');
}

/** A norm for each image and channel, with a factor and a summand for each channel. */
function instanceNorm(call: Call): Value {
  const x = map(call);
  const [factor, summand] = [constant(call, 1), constant(call, 2)].map(({ constant: one }) => ({
    ...one,
    shape: [1, one.count, 1, 1],
    values: one.values,
  }));
  return scaleAndShift(call.kit, standardise(call.kit, x, [2, 3], numberOf(call, 'epsilon', 1e-5)), factor, summand);
}

/** Numbers around a map: one number, or those of the map itself. Zeros before a convolution have become its own padding. */
function pad(call: Call): Operand {
  const x = value(call, 0);
  const isInput = call.version >= 11;
  const pads = (isInput ? listInput(call, 1) : listOf(call, 'pads')) ?? [];
  if (pads.every((side) => side === 0)) return x;
  const rank = x.dims.length;
  if (pads.length !== 2 * rank || call.operands[3]) throw new Unsupported(`pads ${pads.join(', ')}`);
  const mode = textOf(call, 'mode', 'constant');
  const filled = (isInput ? numberInput(call, 2) : undefined) ?? numberOf(call, 'value', 0);
  if (mode === 'constant') {
    const others = [0, 1].every((dimension) => pads[dimension] === 0 && pads[dimension + rank] === 0);
    if (rank !== 4 || !others) throw new Unsupported('it pads other dimensions than rows and columns');
    return padMap(call.kit, x, mapsOf(call.kit), [pads[2], pads[3], pads[6], pads[7]], filled);
  }
  return x.dims.reduce((result, _, dimension) => {
    const [before, behind] = [pads[dimension], pads[dimension + rank]];
    if (before === 0 && behind === 0) return result;
    return pick(call.kit, result, dimension, placesAround(mode, shapeOfOperand(x)[dimension], before, behind));
  }, x);
}

/** Which place of a dimension each place of the padded one is. */
function placesAround(mode: string, size: number, before: number, behind: number): number[] {
  const place: Record<string, (at: number) => number> = {
    edge: (at) => Math.min(Math.max(at, 0), size - 1),
    wrap: (at) => ((at % size) + size) % size,
    // Beyond the ends it goes back again, without the places at the ends once more.
    reflect: (at) => {
      const period = Math.max(1, 2 * size - 2);
      const own = ((at % period) + period) % period;
      return own < size ? own : period - own;
    },
  };
  const count = size + before + behind;
  if (!place[mode] || !(count >= 1 && count <= 65_536))
    throw new Unsupported(`padding (${mode}) by ${before} and ${behind}`);
  return Array.from({ length: count }, (_, i) => place[mode](i - before));
}

/** The range that a quantised type has. */
function levelsOf(call: Call): [least: number, most: number] {
  const { operands } = call;
  const zero = operands[2];
  const type = zero === undefined ? 'U8' : 'type' in zero ? String(zero.type) : 'another type';
  const ranges: Record<string, [number, number]> = {
    U8: [0, 255],
    I8: [-128, 127],
    U16: [0, 65535],
    I16: [-32768, 32767],
  };
  if (ranges[type]) return ranges[type];
  throw new Unsupported(`it quantises to ${type}`);
}

/**
 * A value is quantised and at once made real again. What is left of that is the range to which it is limited, which may be all that is
 * left of a ReLU.
 */
function quantise(call: Call): Value {
  const x = value(call, 0);
  if (call.kit.ownImages) throw new Unsupported('it makes computed values whole numbers');
  const scale = numberInput(call, 1);
  const zero = numberInput(call, 2) ?? 0;
  if (scale === undefined || !(scale > 0)) throw new Unsupported('it has no scale');
  const [a, b] = levelsOf(call).map((level) => (level - zero) * scale);
  call.tell('quantised');
  return activate(call.kit, x, { kind: 'clip', a, b });
}

const dequantise = (call: Call): Operand => {
  const [x] = call.operands;
  // Of a value that was quantised, `quantise` has left the real numbers.
  return x && isValue(x) ? x : dequantised(call);
};

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
