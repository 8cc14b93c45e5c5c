/** Operators that compute with numbers one by one: activations, sums, products, and the same for constants. */
import { InputError } from '../../errors.js';
import type { BinaryAttributes } from '../../ops/general/binary.js';
import type { ReduceAttributes } from '../../ops/general/reduce.js';
import { functionValue } from '../../ops/general/unary.formulas.js';
import type { UnaryFunction } from '../../ops/general/unary.js';
import type { Activation } from '../../ops/layers/activation.js';
import { combine, reduce as reduceConstant } from '../arrays.js';
import { activate, add, multiply, scaleAndShift } from '../elementwise.js';
import { apply, combine as combineValues, reduceOver } from '../general.js';
import { type Kit, Unsupported, type Value } from '../kit.js';
import { poolAll } from '../layers.js';
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

/**
 * A function of two operands. For two values, or a value and a constant, there may be a way that fuses with the layers around; where it does not
 * fit, the function is applied number by number.
 */
function binary(
  kind: BinaryAttributes['kind'],
  ofNumbers: (a: number, b: number) => number,
  fast: {
    values?(kit: Kit, a: Value, b: Value): Value;
    first?(kit: Kit, a: Value, b: Constant): Value;
    second?(kit: Kit, a: Constant, b: Value): Value;
  } = {},
): Operator {
  return {
    translate(call) {
      const { kit, node, budget } = call;
      const [a, b] = [operand(call, 0), operand(call, 1)];
      if (!isValue(a) && !isValue(b)) return combine([a, b], a.isInteger, ofNumbers, budget);
      const [left, right] = [a, b].map((one, i) => (isValue(one) ? one : { name: node.inputs[i], constant: one }));
      const slow = () => combineValues(kit, left, right, kind);
      const quick = isValue(a)
        ? isValue(b)
          ? fast.values && (() => fast.values!(kit, a, b))
          : fast.first && (() => fast.first!(kit, a, b))
        : fast.second && (() => fast.second!(kit, a, b as Value));
      return quick ? attempt(quick, slow) : slow();
    },
  };
}

/** The second way where the first one does not fit. */
function attempt(first: () => Value, second: () => Value): Value {
  try {
    return first();
  } catch (error) {
    if (error instanceof Unsupported) return second();
    throw error;
  }
}

/** A function of one operand. */
const unary = (of: (call: Call) => UnaryFunction, attributes: readonly string[] = []): Operator => ({
  attributes,
  translate(call) {
    const x = operand(call, 0);
    const spec = of(call);
    return isValue(x)
      ? apply(call.kit, x, spec)
      : mapped(x, x.isInteger && WHOLE_RESULTS.has(spec.kind), (number) => functionValue(spec, number));
  },
});

/** Functions of whole numbers that give whole numbers. */
const WHOLE_RESULTS = new Set(['abs', 'neg', 'floor', 'ceil', 'round', 'sign', 'not', 'line']);
const plainUnary = (kind: Exclude<UnaryFunction, { a: number }>['kind']): Operator => unary(() => ({ kind }));

/** An operator that only constants may have: what shapes are computed with. */
const ofConstants = (of: (...numbers: number[]) => number, result?: 'truth'): Operator => ({
  translate(call) {
    const sources = call.operands.map((_, i) => constant(call, i).constant);
    return combine(sources, result === 'truth' || sources[0].isInteger, of, call.budget);
  },
});

const inverse = (source: Constant) => mapped(source, false, (number) => 1 / number);
const negative = (source: Constant) => mapped(source, false, (number) => -number);

/** Whole numbers are divided without a rest, as C does it. */
function quotient(call: Call): Operand {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  if (!isValue(a) && !isValue(b) && a.isInteger)
    return combine([a, b], true, (one, other) => Math.trunc(one / other), call.budget);
  return division.translate(call) as Operand;
}

const division = binary('div', (a, b) => a / b, {
  first: (kit, a, b) => scaleAndShift(kit, a, inverse(b), 0),
});

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
function bound(isLargest: boolean): Operator {
  const join = isLargest ? Math.max : Math.min;
  const pair = binary(isLargest ? 'max' : 'min', join);
  return {
    translate(call) {
      const [first, ...others] = call.operands.map((_, i) => operand(call, i));
      const both = (a: Operand, b: Operand, i: number): Operand => {
        const [value, other] = isValue(a) ? [a, b] : [b, a];
        if (!isValue(value) || isValue(other) || other.count !== 1)
          return pair.translate({
            ...call,
            operands: [a, b],
            node: { ...call.node, inputs: [call.node.inputs[0], call.node.inputs[i + 1]] },
          }) as Operand;
        const limit = other.values()[0];
        return isLargest ? clamp(call, value, limit, Infinity) : clamp(call, value, -Infinity, limit);
      };
      return others.reduce(both, first);
    },
  };
}

/** max(0, min(1, α · x + β)): of any slope by a factor and a summand before. */
function hardSigmoid(call: Call): Value {
  const [alpha, beta] = [numberOf(call, 'alpha', 0.2), numberOf(call, 'beta', 0.5)];
  if (Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5)
    return activate(call.kit, value(call, 0), { kind: 'hard_sigmoid' });
  return activate(call.kit, scaleAndShift(call.kit, value(call, 0), scalar(alpha), scalar(beta)), {
    kind: 'clip',
    a: 0,
    b: 1,
  });
}

/** A slope for all numbers, or one for each place of a constant that is broadcast. */
function prelu(call: Call): Value {
  const slopes = constant(call, 1);
  const x = value(call, 0);
  const values = slopes.constant.values();
  if (values.every((slope) => slope === values[0])) return activate(call.kit, x, { kind: 'leaky_relu', a: values[0] });
  return combineValues(call.kit, x, slopes, 'prelu');
}

const power = binary('pow', (a, b) => a ** b, {
  first(kit, a, b) {
    const exponent = b.count === 1 ? b.values()[0] : undefined;
    if (exponent === 1) return a;
    if (exponent === 2) return multiply(kit, a, a);
    if (exponent === 0.5) return apply(kit, a, { kind: 'sqrt' });
    throw new Unsupported('another exponent');
  },
});

function sumOf(call: Call): Operand {
  const [first, ...others] = call.operands.map((_, i) => operand(call, i));
  const pair = (a: Operand, b: Operand): Operand => addition.translate({ ...call, operands: [a, b] }) as Operand;
  return others.reduce(pair, first);
}

const addition = binary('add', (a, b) => a + b, {
  values: add,
  first: (kit, a, b) => scaleAndShift(kit, a, 1, b),
  second: (kit, a, b) => scaleAndShift(kit, b, 1, a),
});

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

/** Joins numbers along axes: over all positions by the pooling that a localizer knows, else by a general operation. */
const reduction = (
  kind: ReduceAttributes['kind'],
  join: (numbers: readonly number[]) => number,
  {
    axesInput = 18,
    positions,
  }: { axesInput?: number; positions?: (call: Call, x: Value, axes: readonly number[]) => Value } = {},
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
    const general = () => reduceOver(call.kit, x, axes, kind);
    const result = positions ? attempt(() => positions(call, x, axes), general) : general();
    return keep ? result : { ...result, dims: result.dims.filter((_, i) => !axes.includes(i)) };
  },
});

const pooling =
  (r: number) =>
  ({ kit }: Call, x: Value, axes: readonly number[]) =>
    poolAll(kit, x, axes, r, true);

const total = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);

/** The sum over all positions is their average times their number. */
function summed({ kit }: Call, x: Value, axes: readonly number[]): Value {
  const count = countOf(axes.map((axis) => shapeOfOperand(x)[axis]));
  return scaleAndShift(kit, poolAll(kit, x, axes, 0, true), scalar(count), 0);
}

/** The difference of a value from a constant is its negative, moved. */
const difference = binary('sub', (a, b) => a - b, {
  values: (kit, a, b) => add(kit, a, scaleAndShift(kit, b, -1, 0)),
  first: (kit, a, b) => scaleAndShift(kit, a, 1, negative(b)),
  second: (kit, a, b) => scaleAndShift(kit, b, -1, a),
});

const modulo = (call: Call): Operand =>
  (numberOf(call, 'fmod', 0) === 1
    ? binary('fmod', (a, b) => a % b)
    : binary('mod', (a, b) => ((a % b) + b) % b)
  ).translate(call) as Operand;

const first = (numbers: readonly number[]) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);
const least = (numbers: readonly number[]) => numbers.reduce((a, b) => Math.min(a, b), Infinity);
const squares = (numbers: readonly number[]) => total(numbers.map((one) => one * one));

export const arithmetic: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(
    (
      [
        ...(['Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Ceil', 'Cos', 'Cosh', 'Erf', 'Exp'] as const),
        ...(['Floor', 'Log', 'Mish', 'Reciprocal', 'Round', 'Sign', 'Sin', 'Sinh', 'Softplus', 'Softsign'] as const),
        ...(['Sqrt', 'Tan'] as const),
      ] as const
    ).map((name) => [name, plainUnary(name.toLowerCase() as Lowercase<typeof name>)]),
  ),
  Add: addition,
  And: ofConstants((a, b) => Number(a !== 0 && b !== 0), 'truth'),
  Cast: { attributes: ['to', 'saturate'], translate: cast },
  Celu: unary((call) => ({ kind: 'celu', a: numberOf(call, 'alpha', 1) }), ['alpha']),
  Clip: { attributes: ['min', 'max'], translate: clip },
  Div: { translate: quotient },
  Elu: unary((call) => ({ kind: 'elu', a: numberOf(call, 'alpha', 1) }), ['alpha']),
  Equal: ofConstants((a, b) => Number(a === b), 'truth'),
  Gelu: activation(['approximate'], (call) => ({
    kind: textOf(call, 'approximate', 'none') === 'tanh' ? 'gelu_tanh' : 'gelu',
  })),
  Greater: ofConstants((a, b) => Number(a > b), 'truth'),
  HardSigmoid: { attributes: ['alpha', 'beta'], translate: hardSigmoid },
  HardSwish: plain('hard_swish'),
  LeakyRelu: activation(['alpha'], (call) => ({ kind: 'leaky_relu', a: numberOf(call, 'alpha', 0.01) })),
  Less: ofConstants((a, b) => Number(a < b), 'truth'),
  Max: bound(true),
  Min: bound(false),
  Mod: { attributes: ['fmod'], translate: modulo },
  Mul: binary('mul', (a, b) => a * b, {
    values: multiply,
    first: (kit, a, b) => scaleAndShift(kit, a, b, 0),
    second: (kit, a, b) => scaleAndShift(kit, b, a, 0),
  }),
  Neg: {
    translate: (call) => {
      const x = operand(call, 0);
      return isValue(x) ? scaleAndShift(call.kit, x, -1, 0) : mapped(x, x.isInteger, (number) => -number);
    },
  },
  Not: ofConstants((a) => Number(a === 0), 'truth'),
  Or: ofConstants((a, b) => Number(a !== 0 || b !== 0), 'truth'),
  PRelu: { translate: prelu },
  Pow: power,
  ReduceL1: reduction('l1', (numbers) => total(numbers.map(Math.abs))),
  ReduceL2: reduction('l2', (numbers) => Math.sqrt(squares(numbers))),
  ReduceLogSum: reduction('log_sum', (numbers) => Math.log(total(numbers))),
  ReduceLogSumExp: reduction('log_sum_exp', (numbers) => Math.log(total(numbers.map(Math.exp)))),
  ReduceMax: reduction('max', first, { positions: pooling(Infinity) }),
  ReduceMean: reduction('mean', (numbers) => total(numbers) / numbers.length, { positions: pooling(0) }),
  ReduceMin: reduction('min', least),
  ReduceProd: reduction('prod', countOf),
  ReduceSum: reduction('sum', total, { axesInput: 13, positions: summed }),
  ReduceSumSquare: reduction('sum_square', squares),
  Relu: plain('relu'),
  Selu: unary(
    (call) => ({
      kind: 'selu',
      a: numberOf(call, 'alpha', 1.6732631921768188),
      b: numberOf(call, 'gamma', 1.0507010221481323),
    }),
    ['alpha', 'gamma'],
  ),
  Shrink: unary(
    (call) => ({ kind: 'shrink', a: numberOf(call, 'lambd', 0.5), b: numberOf(call, 'bias', 0) }),
    [...['lambd', 'bias']],
  ),
  Sigmoid: plain('sigmoid'),
  Sub: difference,
  Sum: { translate: sumOf },
  Swish: unary((call) => ({ kind: 'swish', a: numberOf(call, 'alpha', 1) }), ['alpha']),
  Tanh: plain('tanh'),
  ThresholdedRelu: unary((call) => ({ kind: 'thresholded_relu', a: numberOf(call, 'alpha', 1) }), ['alpha']),
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
