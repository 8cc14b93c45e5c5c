/** Keras' layers, each as operators of ONNX. */
import { own } from '../../formats/json.js';
import { activated, activationLayers, affine, ones, zeros } from './activations.js';
import { asFirst, emit, emitMap, fromFirst, inShape, integers, reordered, vector } from './builder.js';
import {
  axisOf,
  countOf,
  flat,
  input,
  isChannelsFirst,
  type LayerCall,
  type LayerValue,
  listOf,
  named,
  numberOf,
  numbersOf,
  paddingOf,
  pairOf,
  refusal,
  textOf,
  truthOf,
  weightOf,
  wholeOf,
} from './layer_config.js';

/** @returns the rank of what it puts out, under the name `call.output` */
type Layer = (call: LayerCall) => number;

/** The bias, if the layer has one. */
function biasOf(call: LayerCall, outputs: number): string[] {
  if (!truthOf(call, 'use_bias', true)) return [];
  return [named(call, 'bias', weightOf(call, 'bias', [outputs]))];
}

const windowsOf = (call: LayerCall) => ({
  strides: pairOf(call, 'strides', 1),
  dilations: pairOf(call, 'dilation_rate', 1),
  ...paddingOf(call),
});

const conv2d: Layer = (call) => {
  const x = input(call, 4);
  const [rows, columns] = pairOf(call, 'kernel_size');
  const filters = countOf(call, 'filters');
  const group = countOf(call, 'groups', 1);
  const kernel = weightOf(call, 'kernel', [rows, columns, undefined, filters]);
  const inputs = [x.name, named(call, 'kernel', reordered(kernel, [3, 2, 0, 1])), ...biasOf(call, filters)];
  const isFirst = isChannelsFirst(call);
  const attributes = { ...windowsOf(call), kernel_shape: [rows, columns], group };
  activated(call, emitMap(call.builder, call.step, 'Conv', inputs, attributes, { isFirst }), call.output);
  return 4;
};

/** A filter for each channel alone: [rows, columns, channels, multiplier]. */
function depthwise(call: LayerCall, x: LayerValue, bias: readonly string[]) {
  const [rows, columns] = pairOf(call, 'kernel_size');
  const multiplier = countOf(call, 'depth_multiplier', 1);
  // Keras 3 calls the weights `kernel` where Keras 2 has `depthwise_kernel`.
  const which = call.weight('depthwise_kernel') ? 'depthwise_kernel' : 'kernel';
  const kernel = weightOf(call, which, [rows, columns, undefined, multiplier]);
  const channels = kernel.shape[2];
  const weights = reordered(inShape(kernel, [rows, columns, 1, channels * multiplier]), [3, 2, 0, 1]);
  const inputs = [x.name, named(call, which, weights), ...bias];
  const attributes = { ...windowsOf(call), kernel_shape: [rows, columns], group: channels };
  const y = emitMap(call.builder, call.step, 'Conv', inputs, attributes, { isFirst: isChannelsFirst(call) });
  return { y, outputs: channels * multiplier };
}

const depthwiseConv2d: Layer = (call) => {
  const x = input(call, 4);
  const bias = truthOf(call, 'use_bias', true) ? [named(call, 'bias', weightOf(call, 'bias', [undefined]))] : [];
  activated(call, depthwise(call, x, bias).y, call.output);
  return 4;
};

const separableConv2d: Layer = (call) => {
  const x = input(call, 4);
  const { y, outputs } = depthwise(call, x, []);
  const filters = countOf(call, 'filters');
  const kernel = weightOf(call, 'pointwise_kernel', [1, 1, outputs, filters]);
  const inputs = [y, named(call, 'pointwise_kernel', reordered(kernel, [3, 2, 0, 1])), ...biasOf(call, filters)];
  const isFirst = isChannelsFirst(call);
  activated(call, emitMap(call.builder, call.step, 'Conv', inputs, {}, { isFirst }), call.output);
  return 4;
};

const dense: Layer = (call) => {
  const x = input(call);
  const units = countOf(call, 'units');
  const { builder, step } = call;
  const kernel = named(call, 'kernel', weightOf(call, 'kernel', [undefined, units]));
  const bias = biasOf(call, units);
  let y: string;
  if (x.rank === 2) y = emit(builder, step, 'Gemm', [x.name, kernel, ...bias]);
  else {
    y = emit(builder, step, 'MatMul', [x.name, kernel]);
    if (bias.length > 0) y = emit(builder, step, 'Add', [y, ...bias]);
  }
  activated(call, y, call.output);
  return x.rank;
};

const batchNormalization: Layer = (call) => {
  const x = input(call);
  const given = Array.isArray(call.config.axis) ? call.config.axis[0] : (call.config.axis ?? -1);
  const axis = axisOf(call, given as number, x.rank);
  if (axis !== 1 && axis !== x.rank - 1) throw refusal(call, `it normalises dimension ${axis} of ${x.rank}`);
  const mean = weightOf(call, 'moving_mean', [undefined]);
  const channels = mean.count;
  const variance = weightOf(call, 'moving_variance', [channels]);
  const gamma = truthOf(call, 'scale', true) ? weightOf(call, 'gamma', [channels]) : ones(channels);
  const beta = truthOf(call, 'center', true) ? weightOf(call, 'beta', [channels]) : zeros(channels);
  const parameters = { gamma, beta, moving_mean: mean, moving_variance: variance };
  const inputs = [x.name, ...Object.entries(parameters).map(([what, constant]) => named(call, what, constant))];
  const attributes = { epsilon: numberOf(call, 'epsilon', 1e-3) };
  const isFirst = axis === 1;
  if (!isFirst && x.rank !== 4) throw refusal(call, `it normalises ${x.rank} dimensions`);
  emitMap(call.builder, call.step, 'BatchNormalization', inputs, attributes, { output: call.output, isFirst });
  return x.rank;
};

const layerNormalization: Layer = (call) => {
  const x = input(call);
  const axis = Array.isArray(call.config.axis) ? call.config.axis[0] : (call.config.axis ?? -1);
  if (axisOf(call, axis as number, x.rank) !== x.rank - 1)
    throw refusal(call, 'it normalises another dimension than the last');
  const gamma = call.weight('gamma');
  const beta = call.weight('beta');
  if (!gamma || !beta) throw refusal(call, 'it has no gamma or no beta');
  const inputs = [x.name, named(call, 'gamma', gamma), named(call, 'beta', beta)];
  const attributes = { axis: -1, epsilon: numberOf(call, 'epsilon', 1e-3) };
  emit(call.builder, call.step, 'LayerNormalization', inputs, attributes, call.output);
  return x.rank;
};

const pool =
  (operator: 'MaxPool' | 'AveragePool'): Layer =>
  (call) => {
    const x = input(call, 4);
    const kernel = pairOf(call, 'pool_size', 2);
    const attributes = { kernel_shape: kernel, strides: pairOf(call, 'strides', kernel), ...paddingOf(call) };
    const isFirst = isChannelsFirst(call);
    emitMap(call.builder, call.step, operator, [x.name], attributes, { output: call.output, isFirst });
    return 4;
  };

const globalPool =
  (operator: 'ReduceMean' | 'ReduceMax'): Layer =>
  (call) => {
    const x = input(call, 4);
    const keep = truthOf(call, 'keepdims', false);
    const attributes = { axes: isChannelsFirst(call) ? [2, 3] : [1, 2], keepdims: keep ? 1 : 0 };
    emit(call.builder, call.step, operator, [x.name], attributes, call.output);
    return keep ? 4 : 2;
  };

/** Sides as Keras writes them: one number, one for rows and one for columns, or two for each. */
function sidesOf(call: LayerCall, name: string): [top: number, bottom: number, left: number, right: number] {
  const given = own(call.config, name) ?? 1;
  const [rows, columns] = Array.isArray(given) ? given : [given, given];
  const both = (one: unknown) => (Array.isArray(one) ? one : [one, one]);
  const sides = [...both(rows), ...both(columns)];
  if (sides.length === 4 && sides.every((side) => Number.isSafeInteger(side) && side >= 0 && side <= 16_384))
    return sides as [number, number, number, number];
  throw refusal(call, `its setting ${name} is ${JSON.stringify(given).slice(0, 80)}`);
}

const zeroPadding2d: Layer = (call) => {
  const x = input(call, 4);
  const [top, bottom, left, right] = sidesOf(call, 'padding');
  const inputs = [x.name, named(call, 'pads', integers(0, 0, top, left, 0, 0, bottom, right))];
  const isFirst = isChannelsFirst(call);
  emitMap(call.builder, call.step, 'Pad', inputs, { mode: 'constant' }, { output: call.output, isFirst });
  return 4;
};

const cropping2d: Layer = (call) => {
  const x = input(call, 4);
  const [top, bottom, left, right] = sidesOf(call, 'cropping');
  const { builder, step } = call;
  const end = (side: number) => (side === 0 ? 2 ** 31 - 1 : -side);
  const lists = [
    [top, left],
    [end(bottom), end(right)],
    [2, 3],
  ];
  const isFirst = isChannelsFirst(call);
  const rest = lists.map((list, i) => named(call, ['starts', 'ends', 'axes'][i], integers(...list)));
  const y = emit(builder, step, 'Slice', [asFirst(builder, step, x.name, isFirst), ...rest]);
  fromFirst(builder, step, y, call.output, isFirst);
  return 4;
};

const upSampling2d: Layer = (call) => {
  const x = input(call, 4);
  const [rows, columns] = pairOf(call, 'size', 2);
  const mode = textOf(call, 'interpolation', 'nearest');
  if (mode !== 'nearest' && mode !== 'bilinear') throw refusal(call, `interpolation ${mode.slice(0, 40)}`);
  const attributes: Record<string, string> =
    mode === 'nearest'
      ? { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
      : { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
  const inputs = [x.name, '', named(call, 'scales', vector([1, 1, rows, columns]))];
  const isFirst = isChannelsFirst(call);
  emitMap(call.builder, call.step, 'Resize', inputs, attributes, { output: call.output, isFirst });
  return 4;
};

/** Joins several inputs two by two. */
const merge =
  (operator: string, after?: (call: LayerCall, sum: string) => void): Layer =>
  (call) => {
    const { builder, step, inputs, output } = call;
    const [first, ...rest] = inputs;
    if (!first || rest.length === 0) throw refusal(call, 'it has fewer than 2 inputs');
    if (rest.some(({ rank }) => rank !== first.rank)) throw refusal(call, 'its inputs have different dimensions');
    const last = (i: number) => (after || i < rest.length - 1 ? undefined : output);
    const sum = rest.reduce((sum, { name }, i) => emit(builder, step, operator, [sum, name], {}, last(i)), first.name);
    after?.(call, sum);
    return first.rank;
  };

const average = merge('Add', (call, sum) => {
  const share = named(call, 'share', vector([1 / call.inputs.length]));
  emit(call.builder, call.step, 'Mul', [sum, share], {}, call.output);
});

const subtract: Layer = (call) => {
  if (call.inputs.length !== 2) throw refusal(call, `it has ${call.inputs.length} inputs instead of 2`);
  return merge('Sub')(call);
};

const concatenate: Layer = (call) => {
  const [first, ...rest] = call.inputs;
  if (!first || rest.some(({ rank }) => rank !== first.rank))
    throw refusal(call, 'its inputs have different dimensions');
  const axis = axisOf(call, wholeOf(call, 'axis', -1), first.rank);
  const names = call.inputs.map(({ name }) => name);
  emit(call.builder, call.step, 'Concat', names, { axis }, call.output);
  return first.rank;
};

const flatten: Layer = (call) => {
  const x = input(call);
  const { builder, step, output } = call;
  // With channels first Keras moves them to the end before it flattens.
  const isMoved = x.rank === 4 && isChannelsFirst(call);
  const from = isMoved ? emit(builder, step, 'Transpose', [x.name], { perm: [0, 2, 3, 1] }) : x.name;
  emit(builder, step, 'Flatten', [from], { axis: 1 }, output);
  return 2;
};

const reshape: Layer = (call) => {
  const x = input(call);
  const shape = listOf(call, 'target_shape');
  const wanted = named(call, 'shape', integers(1, ...shape));
  emit(call.builder, call.step, 'Reshape', [x.name, wanted], { allowzero: 1 }, call.output);
  return shape.length + 1;
};

const permute: Layer = (call) => {
  const x = input(call);
  const dims = listOf(call, 'dims');
  if (dims.length !== x.rank - 1) throw refusal(call, `its setting dims has ${dims.length} dimensions`);
  emit(call.builder, call.step, 'Transpose', [x.name], { perm: [0, ...dims] }, call.output);
  return x.rank;
};

const rescaling: Layer = (call) => {
  const x = input(call);
  const [scale, offset] = [numbersOf(call, 'scale', 1), numbersOf(call, 'offset', 0)];
  affine(call, x, scale, offset, call.output);
  call.rescaled(scale.reduce((most, one) => Math.max(most, one)));
  return x.rank;
};

/** (x − mean) / max(√variance, ε), with numbers that are weights or settings. */
const normalization: Layer = (call) => {
  const x = input(call);
  const axis = Array.isArray(call.config.axis) ? call.config.axis : [call.config.axis ?? -1];
  if (axis.length !== 1 || axisOf(call, axis[0] as number, x.rank) !== x.rank - 1)
    throw refusal(call, 'it normalises other dimensions than the last one');
  if (truthOf(call, 'invert', false)) throw refusal(call, 'it runs the other way (invert)');
  const of = (what: 'mean' | 'variance') => {
    const weight = call.weight(what);
    return weight ? Array.from(flat(weight).values()) : numbersOf(call, what, Number.NaN);
  };
  const [mean, variance] = [of('mean'), of('variance')];
  if (mean.length !== variance.length) throw refusal(call, 'its means and variances differ in number');
  call.weight('count');
  const factor = variance.map((one) => 1 / Math.max(Math.sqrt(one), 1e-7));
  const summand = mean.map((one, i) => -one * factor[i]);
  affine(call, x, factor, summand, call.output);
  return x.rank;
};

/** What does nothing when a network runs. */
const identity: Layer = (call) => {
  const x = input(call);
  emit(call.builder, call.step, 'Identity', [x.name], {}, call.output);
  return x.rank;
};

const IDENTITIES = [
  ...['Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout'],
  ...['ActivityRegularization', 'RandomFlip', 'RandomRotation', 'RandomZoom', 'RandomContrast', 'RandomBrightness'],
  ...['RandomTranslation', 'Identity'],
];

/** An activation has one input and keeps its shape. */
const activation =
  (kind: string): Layer =>
  (call) => {
    const x = input(call);
    activationLayers[kind](call, x.name, call.output);
    return x.rank;
  };

export const LAYERS: Readonly<Record<string, Layer>> = {
  ...Object.fromEntries(IDENTITIES.map((kind) => [kind, identity])),
  ...Object.fromEntries(Object.keys(activationLayers).map((kind) => [kind, activation(kind)])),
  ...{ Conv2D: conv2d, DepthwiseConv2D: depthwiseConv2d, SeparableConv2D: separableConv2d, Dense: dense },
  ...{ BatchNormalization: batchNormalization, LayerNormalization: layerNormalization },
  ...{ MaxPooling2D: pool('MaxPool'), AveragePooling2D: pool('AveragePool') },
  ...{ GlobalAveragePooling2D: globalPool('ReduceMean'), GlobalMaxPooling2D: globalPool('ReduceMax') },
  ...{ ZeroPadding2D: zeroPadding2d, Cropping2D: cropping2d, UpSampling2D: upSampling2d },
  ...{ Add: merge('Add'), Multiply: merge('Mul'), Subtract: subtract, Average: average, Concatenate: concatenate },
  ...{ Maximum: merge('Max'), Minimum: merge('Min'), Flatten: flatten, Reshape: reshape, Permute: permute },
  ...{ Rescaling: rescaling, Normalization: normalization },
};
