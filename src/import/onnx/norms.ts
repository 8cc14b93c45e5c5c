/** Norms and softmax. */

import { InputError } from '../../errors.js';
import { groupNorm } from '../../ops/general/over_axes.js';
import { localResponseNorm } from '../../ops/layers/lrn.js';
import { softmax as addSoftmax } from '../../ops/layers/softmax.js';
import { scaleAndShift } from '../elementwise.js';
import {
  apply,
  combine,
  compare,
  extremeAlong,
  lpNormalised,
  reduceOver,
  softmaxAlong,
  standardise,
} from '../general.js';
import { asMap, asValue, mapsOf, settled, Unsupported, type Value } from '../kit.js';
import * as layers from '../layers.js';
import { constantOf, countOf } from '../plain.js';
import { isWhole } from '../views.js';
import {
  attempt,
  axesOf,
  axisOf,
  type Call,
  constant,
  listOf,
  map,
  numberOf,
  optionalConstant,
  shapeOfOperand,
  value,
} from './call.js';
import { withShape } from './shapes.js';

export function batchNorm(call: Call): Value {
  if (numberOf(call, 'training_mode', 0) === 1 || call.outputs > 1)
    throw new Unsupported(
      'it runs as in training, with the statistics of a batch',
      'export the model in evaluation mode: model.eval()',
    );
  if (numberOf(call, 'spatial', 1) !== 1) throw new Unsupported('it normalises each position by itself (spatial 0)');
  const parameters = [1, 2, 3, 4].map((i) => constant(call, i));
  return layers.normalise(call.kit, value(call, 0), 1, parameters, numberOf(call, 'epsilon', 1e-5));
}

/** The dimensions from the attribute `axis` to the last one. */
function lastDimensions(call: Call, { dims }: Value): number[] {
  const first = axisOf(numberOf(call, 'axis', -1), dims.length);
  return Array.from({ length: dims.length - first }, (_, i) => first + i);
}

const normalised = (call: Call) => numberOf(call, 'epsilon', 1e-5);

/** A norm over the last dimensions. If these are only the channels, and only the result is read, it is a single operation. */
export function layerNorm(call: Call): readonly Value[] {
  const { kit } = call;
  const x = value(call, 0);
  const [weight, bias, epsilon] = [constant(call, 1), optionalConstant(call, 2), normalised(call)];
  const dimensions = lastDimensions(call, x);
  const zeros = { name: `${weight.name}.zeros`, constant: constantOf([1], Float32Array.of(0)) };
  const general = () => {
    const scaled = combine(kit, standardise(kit, x, dimensions, epsilon), weight, 'mul');
    return bias ? combine(kit, scaled, bias, 'add') : scaled;
  };
  const result =
    dimensions.length === 1 && epsilon > 0
      ? attempt(() => layers.layerNorm(kit, x, weight, bias ?? zeros, epsilon), general)
      : general();
  if (call.outputs === 1) return [result];
  const mean = reduceOver(kit, x, dimensions, 'mean');
  const centred = combine(kit, x, mean, 'sub');
  return [result, mean, inverseRoot(call, combine(kit, centred, centred, 'mul'), dimensions)];
}

/** 1 / √(mean + ε) over some dimensions. */
function inverseRoot({ kit, ...call }: Call, squares: Value, dimensions: readonly number[]): Value {
  const epsilon = normalised({ kit, ...call });
  const moved = apply(kit, reduceOver(kit, squares, dimensions, 'mean'), { kind: 'line', a: 1, b: epsilon });
  return apply(kit, apply(kit, moved, { kind: 'sqrt' }), { kind: 'reciprocal' });
}

/** x / √(mean(x²) + ε) over the last dimensions, times a factor. */
export function rmsNorm(call: Call): Value {
  const { kit } = call;
  const x = value(call, 0);
  const root = inverseRoot(call, combine(kit, x, x, 'mul'), lastDimensions(call, x));
  return combine(kit, combine(kit, x, root, 'mul'), constant(call, 1), 'mul');
}

/** A norm over groups of channels and all positions, with factors and summands for channels, or up to version 20 for groups. */
export function groupNormalisation(call: Call): Value {
  const x = map(call);
  const order = mapsOf(call.kit);
  const [channels, groups] = [shapeOfOperand(x)[1], numberOf(call, 'num_groups', 0)];
  if (!(Number.isInteger(groups) && groups >= 1 && channels % groups === 0))
    throw new InputError('num_groups does not divide its channels', { given: `${groups} of ${channels}` });
  const tensor = groupNorm(call.kit.g, asMap(call.kit, x, order), groups, {
    ...{ epsilon: normalised(call), name: call.kit.name },
  });
  const [factor, summand] = [1, 2].map((index): layers.Named => {
    const { name, constant: one } = constant(call, index);
    if (one.count !== channels && one.count !== groups)
      throw new InputError('its factors do not fit', { given: `${one.count} for ${channels} channels` });
    const shared = channels / one.count;
    const numbers = Float32Array.from({ length: channels }, (_, c) => one.values()[Math.floor(c / shared)]);
    return { name, constant: constantOf([1, channels, 1, 1], numbers) };
  });
  return scaled(call, asValue(tensor, order, 4), factor, summand);
}

/** (x − mean) / (deviation + 1e-9) over some dimensions, by default images and positions. */
export function meanVarianceNorm(call: Call): Value {
  const x = value(call, 0);
  const axes = axesOf(listOf(call, 'axes') ?? [0, 2, 3], x.dims.length);
  // If the numbers vary, adding 1e-9 changes nothing in float32. If they do not vary, the result is 0 whatever is added.
  return standardise(call.kit, x, axes, 1e-18);
}

/** x divided by its norm along a dimension. */
export function lpNorm(call: Call): Value {
  const x = value(call, 0);
  const p = numberOf(call, 'p', 2);
  if (p !== 1 && p !== 2) throw new InputError('its norm is neither 1 nor 2', { given: `${p}` });
  return lpNormalised(call.kit, x, axisOf(numberOf(call, 'axis', -1), x.dims.length), p);
}

export function lrn(call: Call): Value {
  const size = numberOf(call, 'size', 0);
  // With an even size, ONNX takes one more neighbour above the channel, and raybox one more below it.
  if (size % 2 !== 1) throw new Unsupported(`it joins an even number of channels (size ${size})`);
  const options = {
    size,
    ...{ alpha: numberOf(call, 'alpha', 1e-4), beta: numberOf(call, 'beta', 0.75), k: numberOf(call, 'bias', 1) },
  };
  const order = mapsOf(call.kit);
  const x = asMap(call.kit, map(call), order);
  return asValue(localResponseNorm(call.kit.g, x, { ...options, name: call.kit.name }), order, 4);
}

/**
 * A function along one dimension. Up to version 12, all dimensions from the axis on count as one dimension.
 * @param along adds the function along a dimension
 */
function alongAxis(call: Call, along: (x: Value, axis: number) => Value): Value {
  const x = value(call, 0);
  const shape = shapeOfOperand(x);
  const axis = axisOf(numberOf(call, 'axis', call.version < 13 ? 1 : -1), shape.length);
  if (call.version >= 13 || countOf(shape.slice(axis + 1)) === 1) return along(x, axis);
  const flat = withShape(call, x, [countOf(shape.slice(0, axis)), countOf(shape.slice(axis))]) as Value;
  return withShape(call, along(flat, 1), shape) as Value;
}

export const softmax = (call: Call): Value =>
  alongAxis(call, (x, axis) => {
    const { tensor, dims } = settled(call.kit, x);
    if (!isWhole(dims[axis], 'c', tensor.shape[3])) return softmaxAlong(call.kit, x, axis);
    return { tensor: addSoftmax(call.kit.g, tensor, call.kit.name), dims };
  });

/** The logarithm of a softmax: x − log Σ exp(x) along a dimension. */
export const logSoftmax = (call: Call): Value =>
  alongAxis(call, (x, axis) => combine(call.kit, x, reduceOver(call.kit, x, [axis], 'log_sum_exp'), 'sub'));

/** 1 at the first place of the largest number along a dimension, 0 elsewhere. */
export const hardmax = (call: Call): Value =>
  alongAxis(call, (x, axis) => {
    const shape = shapeOfOperand(x);
    const places = Float32Array.from({ length: shape[axis] }, (_, i) => i);
    const own = shape.slice(axis).map((size, i) => (i === 0 ? size : 1));
    const all = { name: 'places', constant: constantOf(own, places) };
    return compare(call.kit, extremeAlong(call.kit, x, axis, 'max', false), all, 'equal');
  });

/** A norm for each image and channel, with a factor and a summand for each channel. */
export function instanceNorm(call: Call): Value {
  const x = map(call);
  const [factor, summand] = [constant(call, 1), constant(call, 2)].map(({ name, constant: one }) => ({
    name,
    constant: { ...one, shape: [1, one.count, 1, 1], values: one.values },
  }));
  return scaled(call, standardise(call.kit, x, [2, 3], numberOf(call, 'epsilon', 1e-5)), factor, summand);
}

/** A factor and a summand for each channel. If the channels do not lie along the channels of the tensor, they are two operations. */
const scaled = ({ kit }: Call, x: Value, factor: layers.Named, summand: layers.Named): Value =>
  attempt(
    () => scaleAndShift(kit, x, factor.constant, summand.constant),
    () => combine(kit, combine(kit, x, factor, 'mul'), summand, 'add'),
  );
