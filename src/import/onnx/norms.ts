/** Norms and softmax. */

import { localResponseNorm } from '../../ops/layers/lrn.js';
import { softmax as addSoftmax } from '../../ops/layers/softmax.js';
import { scaleAndShift } from '../elementwise.js';
import { combine, reduceOver, softmaxAlong, standardise } from '../general.js';
import { asMap, asValue, mapsOf, settled, Unsupported, type Value } from '../kit.js';
import * as layers from '../layers.js';
import { constantOf, countOf } from '../plain.js';
import { isWhole } from '../views.js';
import { axisOf, type Call, constant, map, numberOf, optionalConstant, shapeOfOperand, value } from './call.js';

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

export function layerNorm(call: Call): Value {
  const x = value(call, 0);
  if (axisOf(numberOf(call, 'axis', -1), x.dims.length) !== x.dims.length - 1)
    throw new Unsupported('it normalises several dimensions');
  if (call.outputs > 1) throw new Unsupported('its mean and deviation are read');
  const weight = constant(call, 1);
  const zeros = { name: `${weight.name}.zeros`, constant: constantOf([1], Float32Array.of(0)) };
  return layers.layerNorm(call.kit, x, weight, optionalConstant(call, 2) ?? zeros, numberOf(call, 'epsilon', 1e-5));
}

export function lrn(call: Call): Value {
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

export function softmax(call: Call): Value {
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
export function logSoftmax(call: Call): Value {
  const x = value(call, 0);
  const shape = shapeOfOperand(x);
  const axis = axisOf(numberOf(call, 'axis', call.version < 13 ? 1 : -1), shape.length);
  if (call.version < 13 && countOf(shape.slice(axis + 1)) > 1) throw new Unsupported('it joins several dimensions');
  return combine(call.kit, x, reduceOver(call.kit, x, [axis], 'log_sum_exp'), 'sub');
}

/** A norm for each image and channel, with a factor and a summand for each channel. */
export function instanceNorm(call: Call): Value {
  const x = map(call);
  const [factor, summand] = [constant(call, 1), constant(call, 2)].map(({ constant: one }) => ({
    ...one,
    shape: [1, one.count, 1, 1],
    values: one.values,
  }));
  return scaleAndShift(call.kit, standardise(call.kit, x, [2, 3], numberOf(call, 'epsilon', 1e-5)), factor, summand);
}
