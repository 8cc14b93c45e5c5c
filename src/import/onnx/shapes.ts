/** Operators that only rearrange numbers, of constants and of values, and operators that compute shapes. */

import { InputError } from '../../errors.js';
import { reshape as denseReshape } from '../../ops/general/reshape.js';
import * as arrays from '../arrays.js';
import { joinAlong, pick, repeatTo } from '../general.js';
import { concat, cutChannels } from '../joining.js';
import { asDense, fromDense, Unsupported, type Value } from '../kit.js';
import type { Named } from '../layers.js';
import { type Constant, constantOf, countOf } from '../plain.js';
import { type Dims, reshaped, sizeOf, transposed } from '../views.js';
import {
  axesOf,
  axisOf,
  type Call,
  constant,
  isValue,
  listInput,
  listOf,
  listOrInput,
  numberOf,
  type Operand,
  type Operator,
  optionalConstant,
  shapeOfOperand,
} from './call.js';
import { constantNode, constantOfShape, range } from './made_constants.js';

const first = ({ operands }: Call): Operand => {
  if (operands[0]) return operands[0];
  throw new InputError('its input 0 is missing');
};

const integers = (...numbers: number[]): Constant => constantOf([numbers.length], Float64Array.from(numbers));

/** The same numbers in another shape. If the new dimensions cannot be described in the present order, the numbers are moved first. */
export function withShape({ kit }: Call, operand: Operand, shape: readonly number[]): Operand {
  if (countOf(shape) !== countOf(shapeOfOperand(operand)))
    throw new InputError('a shape does not fit', {
      expected: `the numbers of ${shapeOfOperand(operand).join('×')}`,
      given: shape.join('×'),
    });
  if (!isValue(operand)) return { ...operand, shape: [...shape], values: operand.values };
  const dims = reshaped(operand.dims, shape);
  if (dims) return { ...operand, dims };
  const dense = asDense(kit, operand);
  return fromDense(kit, denseReshape(kit.g, dense, [0, ...shape], `${kit.name}/reshape`));
}

const withDims = (operand: Operand, change: (dims: Dims) => Dims, shape: readonly number[]): Operand =>
  isValue(operand) ? { ...operand, dims: change(operand.dims) } : { ...operand, shape, values: operand.values };

/** Inserts dimensions of size 1. */
const insertAt =
  (axes: readonly number[]) =>
  <T>(list: readonly T[], one: T): T[] => {
    const result = [...list];
    for (const axis of [...axes].sort((a, b) => a - b)) result.splice(axis, 0, one);
    return result;
  };

function reshape(call: Call): Operand {
  const x = first(call);
  const from = shapeOfOperand(x);
  const wanted = listInput(call, 1) ?? listOf(call, 'shape');
  if (!wanted) throw new InputError('its shape is missing');
  const keepsZero = numberOf(call, 'allowzero', 0) === 0;
  const sizes = wanted.map((size, i) => (size === 0 && keepsZero ? from[i] : size));
  return withShape(call, x, completed(sizes, countOf(from)));
}

/** Replaces a size of −1 by the one that is left for it. */
function completed(sizes: readonly number[], count: number): number[] {
  const known = countOf(sizes.filter((size) => size !== -1));
  const open = sizes.filter((size) => size === -1).length;
  const result = sizes.map((size) => (size === -1 && known > 0 ? count / known : size));
  if (open <= 1 && result.every((size) => Number.isSafeInteger(size) && size >= 0) && countOf(result) === count)
    return result;
  throw new InputError('a shape does not fit', { expected: `${count} numbers for one image`, given: sizes.join('×') });
}

function squeeze(call: Call): Operand {
  const x = first(call);
  const shape = shapeOfOperand(x);
  const given = listOrInput(call, 'axes', 1, 13);
  const axes = given ? axesOf(given, shape.length) : shape.flatMap((size, i) => (size === 1 ? [i] : []));
  if (axes.some((axis) => shape[axis] !== 1)) throw new InputError('it drops a dimension whose size is not 1');
  const without = <T>(list: readonly T[]) => list.filter((_, i) => !axes.includes(i));
  return withDims(x, without, without(shape));
}

function unsqueeze(call: Call): Operand {
  const x = first(call);
  const shape = shapeOfOperand(x);
  const given = listOrInput(call, 'axes', 1, 13) ?? [];
  const insert = insertAt(axesOf(given, shape.length + given.length));
  return withDims(x, (dims) => insert(dims, []), insert(shape, 1));
}

function transposeOf(call: Call): Operand {
  const x = first(call);
  const rank = shapeOfOperand(x).length;
  const order = listOf(call, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (order.length !== rank || new Set(axesOf(order, rank)).size !== rank)
    throw new InputError('perm is no order of its dimensions', { given: order.join(', ') });
  return isValue(x) ? { ...x, dims: transposed(x.dims, order) } : arrays.transpose(x, order);
}

function flatten(call: Call): Operand {
  const x = first(call);
  const shape = shapeOfOperand(x);
  const axis = numberOf(call, 'axis', 1);
  const own = axis === shape.length ? axis : axisOf(axis, shape.length);
  return withShape(call, x, [countOf(shape.slice(0, own)), countOf(shape.slice(own))]);
}

function concatenated(call: Call): Operand {
  const named = call.operands.flatMap((one, i) => (one ? [{ name: call.node.inputs[i], operand: one }] : []));
  const operands = named.map((one) => one.operand);
  const axis = axisOf(numberOf(call, 'axis', 1), shapeOfOperand(first(call)).length);
  const values = operands.filter(isValue);
  if (values.length === 0) {
    arrays.spend(
      call.budget,
      operands.reduce((sum, one) => sum + countOf(shapeOfOperand(one)), 0),
    );
    return arrays.concatenate(operands as Constant[], axis);
  }
  if (values.length < operands.length) {
    const parts = named.map(({ name, operand }) => (isValue(operand) ? operand : { name, constant: operand }));
    const filled = parts.filter((one) => isValue(one as Operand) || (one as Named).constant.count > 0);
    return filled.length === 1 ? values[0] : joinAlong(call.kit, filled, axis);
  }
  return values.every((value) => isChannels(value, axis))
    ? concat(call.kit, values, axis)
    : joinAlong(call.kit, values, axis);
}

/** Where a slice begins, how many places it has, and how far they are apart. */
function cutOf(axis: number, size: number, start: number, end: number, step: number): arrays.Cut {
  if (!Number.isInteger(step) || step === 0) throw new InputError('a step of a slice is no whole number, or 0');
  const clamp = (at: number, least: number, most: number) => Math.min(Math.max(at < 0 ? at + size : at, least), most);
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  return { axis, start: from, step, count: Math.max(0, Math.ceil((to - from) / step)) };
}

function sliceOf(call: Call): Operand {
  const x = first(call);
  const shape = shapeOfOperand(x);
  const isInput = call.version >= 10;
  const list = (name: string, input: number) => (isInput ? listInput(call, input) : listOf(call, name));
  const [starts = [], ends = []] = [list('starts', 1), list('ends', 2)];
  const axes = axesOf(list('axes', 3) ?? starts.map((_, i) => i), shape.length);
  const steps = (isInput ? listInput(call, 4) : undefined) ?? starts.map(() => 1);
  if ([ends, axes, steps].some((one) => one.length !== starts.length) || new Set(axes).size !== axes.length)
    throw new InputError('starts, ends, axes and steps differ in length, or name an axis twice');
  const cuts = axes.map((axis, i) => cutOf(axis, shape[axis], starts[i], ends[i], steps[i]));
  if (!isValue(x)) return arrays.cut(x, cuts);
  const sizes = shape.map((size, i) => cuts.find(({ axis }) => axis === i)?.count ?? size);
  if (sizes.includes(0)) return constantOf(sizes, new Float32Array(), call.types[0]);
  return cuts.reduce<Value>((value, one) => cutValue(call, value, one), x);
}

/** Whether a dimension is all channels, in whatever order. */
const isChannels = ({ dims, tensor }: Value, axis: number) =>
  dims[axis].every((run) => run.axis === 'c') && sizeOf(dims[axis]) === tensor.shape[3];

/** A part of a value. A part of channels can share the memory of the value; any other part is a copy. */
function cutValue({ kit }: Call, value: Value, { axis, start, count, step }: arrays.Cut): Value {
  const size = sizeOf(value.dims[axis]);
  if (start === 0 && count === size && step === 1) return value;
  if (count === 0) throw new Unsupported('its result is empty');
  const places = Array.from({ length: count }, (_, i) => start + i * step);
  if (step !== 1 || !isChannels(value, axis)) return pick(kit, value, axis, places);
  const widths = [start, count, size - start - count];
  const pieces = cutChannels(
    kit,
    value,
    axis,
    widths.filter((width) => width > 0),
  );
  return pieces[start > 0 ? 1 : 0];
}

function split(call: Call): readonly Operand[] {
  const x = first(call);
  const shape = shapeOfOperand(x);
  const axis = axisOf(numberOf(call, 'axis', 0), shape.length);
  const count = numberOf(call, 'num_outputs', call.node.outputs.length);
  const even = Math.ceil(shape[axis] / count);
  const widths =
    listOrInput(call, 'split', 1, 13) ??
    Array.from({ length: count }, (_, i) => Math.min(even, Math.max(0, shape[axis] - i * even)));
  if (isValue(x) && widths.includes(0)) throw new Unsupported('its result is empty');
  if (widths.some((width) => !(width >= 0)) || widths.reduce((sum, width) => sum + width, 0) !== shape[axis])
    throw new InputError('its pieces are not as wide as the value', {
      given: `${widths.join(' + ')} of ${shape[axis]}`,
    });
  if (isValue(x)) {
    if (widths.length === 1) return [x];
    if (isChannels(x, axis)) return cutChannels(call.kit, x, axis, widths);
  }
  let start = 0;
  return widths.map((width) => {
    start += width;
    if (isValue(x)) return cutValue(call, x, { axis, start: start - width, count: width, step: 1 });
    return arrays.cut(x, [{ axis, start: start - width, count: width, step: 1 }]);
  });
}

function gather(call: Call): Operand {
  const x = first(call);
  const indices = constant(call, 1).constant;
  const shape = shapeOfOperand(x);
  const axis = axisOf(numberOf(call, 'axis', 0), shape.length);
  arrays.spend(call.budget, (countOf(shape) / Math.max(1, shape[axis])) * indices.count);
  if (!isValue(x)) return arrays.gather(x, indices, axis);
  // Taking the only place of a dimension of size 1 removes the dimension. torch's indexing and squeezing are exported in this way.
  if (shape[axis] === 1 && indices.shape.length === 0 && [0, -1].includes(indices.values()[0]))
    return { ...x, dims: x.dims.filter((_, i) => i !== axis) };
  const places = Array.from(indices.values(), (index) => (index < 0 ? index + shape[axis] : index));
  if (places.some((place) => !(Number.isInteger(place) && place >= 0 && place < shape[axis])) || places.length > 65_536)
    throw new InputError('an index lies outside', {
      expected: `0 to ${shape[axis] - 1}`,
      given: places.slice(0, 8).join(', '),
    });
  const picked = pick(call.kit, x, axis, places);
  return withShape(call, picked, [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)]);
}

function expand(call: Call): Operand {
  const x = first(call);
  const shape = arrays.broadcastShape(shapeOfOperand(x), constant(call, 1).constant.values() as unknown as number[]);
  const sizes = Array.from(shape);
  if (!isValue(x)) {
    arrays.spend(call.budget, countOf(sizes));
    return arrays.broadcast(x, sizes);
  }
  if (sizes.join() === shapeOfOperand(x).join()) return x;
  if (countOf(sizes) === countOf(shapeOfOperand(x))) return withShape(call, x, sizes);
  arrays.spend(call.budget, countOf(sizes));
  return repeatTo(call.kit, x, sizes);
}

function shapeOfInput(call: Call): Operand {
  const shape = shapeOfOperand(first(call));
  const bound = (at: number) => Math.min(Math.max(at < 0 ? at + shape.length : at, 0), shape.length);
  return integers(...shape.slice(bound(numberOf(call, 'start', 0)), bound(numberOf(call, 'end', shape.length))));
}

/** Does nothing in inference. Its second output says that every number is kept. */
function dropout(call: Call): readonly Operand[] {
  if (optionalConstant(call, 2)?.constant.values()[0] === 1)
    throw new Unsupported('it runs as in training (training_mode)');
  const x = first(call);
  if (call.outputs === 1) return [x];
  const shape = shapeOfOperand(x);
  arrays.spend(call.budget, countOf(shape));
  return [x, constantOf(shape, new Float64Array(countOf(shape)).fill(1), 'BOOL')];
}

export const shapeOperators: Readonly<Record<string, Operator>> = {
  Concat: { takesWhole: true, attributes: ['axis'], translate: concatenated },
  Constant: {
    attributes: ['value', 'value_int', 'value_ints', 'value_float', 'value_floats'],
    translate: constantNode,
  },
  ConstantOfShape: { attributes: ['value'], translate: constantOfShape },
  Dropout: { attributes: ['ratio', 'seed', 'is_test'], translate: dropout },
  Expand: { takesWhole: true, translate: expand },
  Flatten: { takesWhole: true, attributes: ['axis'], translate: flatten },
  Gather: { takesWhole: true, attributes: ['axis'], translate: gather },
  Identity: { takesWhole: true, translate: first },
  Range: { translate: range },
  Reshape: { takesWhole: true, attributes: ['shape', 'allowzero'], translate: reshape },
  Shape: { takesWhole: true, result: 'I64', attributes: ['start', 'end'], translate: shapeOfInput },
  Size: {
    takesWhole: true,
    result: 'I64',
    translate: (call) => constantOf([], Float64Array.of(countOf(shapeOfOperand(first(call))))),
  },
  Slice: { takesWhole: true, attributes: ['starts', 'ends', 'axes'], translate: sliceOf },
  Split: { takesWhole: true, attributes: ['axis', 'split', 'num_outputs'], translate: split },
  Squeeze: { takesWhole: true, attributes: ['axes'], translate: squeeze },
  Transpose: { takesWhole: true, attributes: ['perm'], translate: transposeOf },
  Unsqueeze: { takesWhole: true, attributes: ['axes'], translate: unsqueeze },
};
