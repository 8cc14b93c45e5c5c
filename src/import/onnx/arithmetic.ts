/** Operators that compute with numbers one by one: activations, sums, products, and the same for constants. */
import { InputError } from '../../errors.js';
import type { Activation } from '../../ops/layers/activation.js';
import { combine, reduce as reduceConstant } from '../arrays.js';
import { activate, add, multiply, scaleAndShift } from '../elementwise.js';
import { Unsupported, type Value } from '../kit.js';
import { poolAll, spread } from '../layers.js';
import { type Constant, constantOf, countOf } from '../plain.js';
import {
  axesOf,
  type Call,
  constant,
  isValue,
  listOf,
  listOrInput,
  numberInput,
  numberOf,
  type Operand,
  type Operator,
  optionalConstant,
  shapeOfOperand,
  textOf,
  value,
} from './call.js';

const operand = ({ operands }: Call, index: number): Operand => {
  const found = operands[index];
  if (found) return found;
  throw new InputError(`its input ${index} is missing`);
};

const scalar = (number: number): Constant => constantOf([], Float32Array.of(number));
const mapped = (source: Constant, isInteger: boolean, of: (number: number) => number): Constant => {
  const values = source.values();
  const result = isInteger ? new Float64Array(values.length) : new Float32Array(values.length);
  for (let i = 0; i < result.length; i++) result[i] = of(values[i]);
  return constantOf(source.shape, result);
};

/** How a sum, difference, product or quotient of a value and a constant is a factor and a summand. */
type WithConstant = (value: Value, other: Constant, isFirst: boolean) => Value;

function binary(
  ofNumbers: (a: number, b: number) => number,
  withConstant: WithConstant,
  ofValues: (call: Call, a: Value, b: Value) => Value,
  result?: 'truth',
): Operator {
  return {
    translate(call) {
      const [a, b] = [operand(call, 0), operand(call, 1)];
      if (isValue(a) && isValue(b)) return ofValues(call, a, b);
      if (isValue(a)) return withConstant(a, b as Constant, true);
      if (isValue(b)) return withConstant(b, a as Constant, false);
      return combine([a, b], result === 'truth' || a.isInteger, ofNumbers, call.budget);
    },
  };
}

/** An operator that only constants may have: what shapes are computed with. */
const ofConstants = (of: (...numbers: number[]) => number, result?: 'truth'): Operator => ({
  translate(call) {
    const sources = call.operands.map((_, i) => constant(call, i).constant);
    return combine(sources, result === 'truth' || sources[0].isInteger, of, call.budget);
  },
});

const noValues = (what: string) => () => {
  throw new Unsupported(what);
};

const inverse = (source: Constant) => mapped(source, false, (number) => 1 / number);
const negative = (source: Constant) => mapped(source, false, (number) => -number);

/** Whole numbers are divided without a rest, as C does it. */
function quotient(call: Call): Operand {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if (!isValue(a) && !isValue(b) && a.isInteger)
    return combine([a, b], true, (one, other) => Math.trunc(one / other), call.budget);
  return divide.translate(call) as Operand;
}

const divide = binary(
  (a, b) => a / b,
  (one, other, isFirst) => {
    if (isFirst) return scaleAndShift(one, inverse(other), 0);
    throw new Unsupported('it divides a constant by a computed value');
  },
  noValues('it divides a computed value by another one'),
);

/** An activation for values; for constants the function itself, where one is given. */
function activation(attributes: readonly string[], of: (call: Call) => Activation): Operator {
  return { attributes, translate: (call) => activate(call.kit, value(call, 0), of(call)) };
}

const plain = (kind: 'relu' | 'sigmoid' | 'tanh' | 'silu' | 'hard_swish') => activation([], () => ({ kind }));

/** Bounds that are missing are infinite. */
function clip(call: Call): Operand {
  const isInput = call.version >= 11;
  const least = isInput ? numberInput(call, 1) : numberOf(call, 'min', -Infinity);
  const most = isInput ? numberInput(call, 2) : numberOf(call, 'max', Infinity);
  return clamp(call, operand(call, 0), least ?? -Infinity, most ?? Infinity);
}

/** Exporters write the largest float32 for a bound that there is not. */
const LARGEST = 3.4e38;

function clamp(call: Call, x: Operand, least: number, most: number): Operand {
  const [a, b] = [least <= -LARGEST ? -Infinity : least, most >= LARGEST ? Infinity : most];
  if (!isValue(x)) return mapped(x, x.isInteger, (number) => Math.min(Math.max(number, a), b));
  if (!(a <= b)) throw new Unsupported(`its bounds are ${a} and ${b}`);
  if (a === -Infinity && b === Infinity) return x;
  return activate(call.kit, x, a === 0 && b === Infinity ? { kind: 'relu' } : { kind: 'clip', a, b });
}

/** The larger or smaller of a value and a number is a clip. */
const bound = (isLargest: boolean): Operator => ({
  translate(call) {
    const operands = call.operands.map((_, i) => operand(call, i));
    const values = operands.filter(isValue);
    const join = isLargest ? Math.max : Math.min;
    if (values.length === 0)
      return combine(operands as Constant[], (operands[0] as Constant).isInteger, join, call.budget);
    const numbers = operands.filter((one): one is Constant => !isValue(one));
    if (values.length > 1 || numbers.some(({ count }) => count !== 1))
      throw new Unsupported('it compares values with each other, or with more than one number');
    const limit = join(...numbers.map((one) => one.values()[0]));
    return isLargest ? clamp(call, values[0], limit, Infinity) : clamp(call, values[0], -Infinity, limit);
  },
});

/** max(0, min(1, α · x + β)): of any slope by a factor and a summand before. */
function hardSigmoid(call: Call): Value {
  const [alpha, beta] = [numberOf(call, 'alpha', 0.2), numberOf(call, 'beta', 0.5)];
  if (Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5)
    return activate(call.kit, value(call, 0), { kind: 'hard_sigmoid' });
  return activate(call.kit, scaleAndShift(value(call, 0), scalar(alpha), scalar(beta)), { kind: 'clip', a: 0, b: 1 });
}

function prelu(call: Call): Value {
  const { constant: slopes } = constant(call, 1);
  const [first, ...others] = spread(slopes, slopes.count);
  if (others.some((slope) => slope !== first)) throw new Unsupported('it has a slope for each channel');
  return activate(call.kit, value(call, 0), { kind: 'leaky_relu', a: first });
}

function power(call: Call): Operand {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if (!isValue(a) && !isValue(b)) return combine([a, b], a.isInteger, (x, y) => x ** y, call.budget);
  const exponent = numberInput(call, 1);
  if (exponent === 1) return a;
  if (exponent === 2) return multiply(call.kit, value(call, 0), value(call, 0));
  throw new Unsupported(`it raises a computed value to the power ${exponent}`);
}

function sumOf(call: Call): Operand {
  const [first, ...others] = call.operands.map((_, i) => operand(call, i));
  const pair = (a: Operand, b: Operand): Operand => addition.translate({ ...call, operands: [a, b] }) as Operand;
  return others.reduce(pair, first);
}

const addition = binary(
  (a, b) => a + b,
  (one, other) => scaleAndShift(one, 1, other),
  ({ kit }, a, b) => add(kit, a, b),
);

/** Types that hold whole numbers or truth values, by `TensorProto.DataType`. */
const WHOLE_TYPES = [2, 3, 4, 5, 6, 7, 9, 12, 13];

function cast(call: Call): Operand {
  const x = operand(call, 0);
  const to = numberOf(call, 'to', 1);
  if (!isValue(x)) {
    if (to === 9) return mapped(x, true, (number) => (number === 0 ? 0 : 1));
    return WHOLE_TYPES.includes(to) ? mapped(x, true, Math.trunc) : mapped(x, false, (number) => number);
  }
  if (WHOLE_TYPES.includes(to)) throw new Unsupported('it rounds a computed value to whole numbers');
  return x;
}

const reduction = (
  join: (numbers: readonly number[]) => number,
  ofValue?: (call: Call, x: Value, axes: readonly number[], keep: boolean) => Value,
  axesInput = 18,
): Operator => ({
  attributes: ['axes', 'keepdims', 'noop_with_empty_axes'],
  translate(call) {
    const x = operand(call, 0);
    const rank = shapeOfOperand(x).length;
    const given = listOrInput(call, 'axes', 1, axesInput) ?? [];
    if (given.length === 0 && numberOf(call, 'noop_with_empty_axes', 0) === 1) return x;
    const axes = given.length === 0 ? Array.from({ length: rank }, (_, i) => i) : axesOf(given, rank);
    const keep = numberOf(call, 'keepdims', 1) === 1;
    if (!isValue(x)) return reduceConstant(x, axes, keep, join);
    if (ofValue) return ofValue(call, x, axes, keep);
    throw new Unsupported('it reduces a computed value');
  },
});

const pooling =
  (r: number) =>
  ({ kit }: Call, x: Value, axes: readonly number[], keep: boolean) =>
    poolAll(kit, x, axes, r, keep);

const total = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);

/** The sum over all positions is their average times their number. */
function summed(call: Call, x: Value, axes: readonly number[], keep: boolean): Value {
  const count = countOf(axes.map((axis) => shapeOfOperand(x)[axis]));
  return scaleAndShift(poolAll(call.kit, x, axes, 0, keep), scalar(count), 0);
}

export const arithmetic: Readonly<Record<string, Operator>> = {
  Abs: ofConstants(Math.abs),
  Add: addition,
  And: ofConstants((a, b) => Number(a !== 0 && b !== 0), 'truth'),
  Cast: { attributes: ['to', 'saturate'], translate: cast },
  Ceil: ofConstants(Math.ceil),
  Clip: { attributes: ['min', 'max'], translate: clip },
  Div: { translate: quotient },
  Equal: ofConstants((a, b) => Number(a === b), 'truth'),
  Erf: { translate: noValues('it is not a part of a GELU that raybox knows') },
  Exp: ofConstants(Math.exp),
  Floor: ofConstants(Math.floor),
  Gelu: activation(['approximate'], (call) => ({
    kind: textOf(call, 'approximate', 'none') === 'tanh' ? 'gelu_tanh' : 'gelu',
  })),
  Greater: ofConstants((a, b) => Number(a > b), 'truth'),
  HardSigmoid: { attributes: ['alpha', 'beta'], translate: hardSigmoid },
  HardSwish: plain('hard_swish'),
  LeakyRelu: activation(['alpha'], (call) => ({ kind: 'leaky_relu', a: numberOf(call, 'alpha', 0.01) })),
  Less: ofConstants((a, b) => Number(a < b), 'truth'),
  Log: ofConstants(Math.log),
  Max: bound(true),
  Min: bound(false),
  Mod: {
    attributes: ['fmod'],
    translate: (call) =>
      ofConstants(numberOf(call, 'fmod', 0) === 1 ? (a, b) => a % b : (a, b) => ((a % b) + b) % b).translate(call),
  },
  Mul: binary(
    (a, b) => a * b,
    (one, other) => scaleAndShift(one, other, 0),
    ({ kit }, a, b) => multiply(kit, a, b),
  ),
  Neg: {
    translate: (call) => {
      const x = operand(call, 0);
      return isValue(x) ? scaleAndShift(x, -1, 0) : mapped(x, x.isInteger, (number) => -number);
    },
  },
  Not: ofConstants((a) => Number(a === 0), 'truth'),
  Or: ofConstants((a, b) => Number(a !== 0 || b !== 0), 'truth'),
  PRelu: { translate: prelu },
  Pow: { translate: power },
  Reciprocal: ofConstants((a) => 1 / a),
  ReduceMax: reduction((numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity), pooling(Infinity)),
  ReduceMean: reduction((numbers) => total(numbers) / numbers.length, pooling(0)),
  ReduceMin: reduction((numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity)),
  ReduceProd: reduction(countOf),
  ReduceSum: reduction(total, summed, 13),
  Relu: plain('relu'),
  Round: ofConstants((a) => (Math.abs(a % 1) === 0.5 ? 2 * Math.round(a / 2) : Math.round(a))),
  Sigmoid: plain('sigmoid'),
  Sqrt: ofConstants(Math.sqrt),
  Sub: binary(
    (a, b) => a - b,
    (one, other, isFirst) => (isFirst ? scaleAndShift(one, 1, negative(other)) : scaleAndShift(one, -1, other)),
    ({ kit }, a, b) => add(kit, a, scaleAndShift(b, -1, 0)),
  ),
  Sum: { translate: sumOf },
  Tanh: plain('tanh'),
  Where: {
    translate: (call) => {
      const [condition, a, b] = [0, 1, 2].map((i) => constant(call, i).constant);
      return combine([condition, a, b], a.isInteger, (choice, one, other) => (choice === 0 ? other : one), call.budget);
    },
  },
};

/** Quantised numbers as the real ones that they stand for. */
export function dequantised(call: Call): Constant {
  const source = constant(call, 0).constant;
  const scale = constant(call, 1).constant;
  const zero = optionalConstant(call, 2)?.constant;
  if ((listOf(call, 'block_size')?.length ?? 0) > 0 || numberOf(call, 'block_size', 0) !== 0)
    throw new Unsupported('its weights are quantised in blocks');
  const axis = numberOf(call, 'axis', 1);
  // Of a scale for each place of one axis: the other axes have size 1.
  const own = axis < 0 ? axis + source.shape.length : axis;
  const along = (one: Constant): Constant =>
    one.count === 1
      ? { ...one, shape: [], values: one.values }
      : { ...one, shape: source.shape.map((_, i) => (i === own ? one.count : 1)), values: one.values };
  return combine(
    [source, along(scale), zero ? along(zero) : scalar(0)],
    false,
    (number, factor, offset) => (number - offset) * factor,
    call.budget,
  );
}
