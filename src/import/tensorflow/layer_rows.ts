/** Translates Keras' layers to ONNX's operators. */
import { activationLayers, affine, ones, zeros } from './activations.js';
import { emit, emitMap, integers, vector } from './builder.js';
import {
  axisOf,
  flat,
  input,
  isChannelsFirst,
  type Layer,
  type LayerCall,
  listOf,
  named,
  numberOf,
  numbersOf,
  refusal,
  truthOf,
  weightOf,
  wholeOf,
} from './layer_config.js';
import { conv2d, dense, depthwiseConv2d, separableConv2d } from './layer_convolutions.js';
import { cropping2d, globalPool, pool, resizing, upSampling2d, zeroPadding2d } from './layer_windows.js';

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

/** Combines several inputs, two at a time. */
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

/** A layer that does nothing in inference. */
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
  ...{ ZeroPadding2D: zeroPadding2d, Cropping2D: cropping2d, UpSampling2D: upSampling2d, Resizing: resizing },
  ...{ Add: merge('Add'), Multiply: merge('Mul'), Subtract: subtract, Average: average, Concatenate: concatenate },
  ...{ Maximum: merge('Max'), Minimum: merge('Min'), Flatten: flatten, Reshape: reshape, Permute: permute },
  ...{ Rescaling: rescaling, Normalization: normalization },
};
