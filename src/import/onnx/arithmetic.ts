/** Operators that compute with numbers one by one: activations, sums, products, and the same for constants. */
import { InputError } from '../../errors.js';
import type { UnaryFunction } from '../../ops/general/functions.js';
import { functionValue } from '../../ops/general/unary.formulas.js';
import type { Activation } from '../../ops/layers/activations.js';
import { combine } from '../arrays.js';
import { activate, add, multiply, scaleAndShift } from '../elementwise.js';
import { apply, combine as combineValues } from '../general.js';
import { type Kit, Unsupported, type Value } from '../kit.js';
import { arrayOf, commonType, exact, isReal, type PairKind, pairOf, rounded, wrap } from '../numbers.js';
import { type Constant, constantOf } from '../plain.js';
import {
  attempt,
  type Call,
  constant,
  isValue,
  numberInput,
  numberOf,
  type Operand,
  type Operator,
  operand,
  textOf,
  value,
} from './call.js';

const scalar = (number: number): Constant => constantOf([], Float32Array.of(number));
/** Applies a function to the numbers of a constant. @param type of the results; default: that of the constant */
const mapped = (source: Constant, of: (number: number) => number, type = source.type): Constant => {
  const values = source.values();
  const result = arrayOf(type, values.length);
  for (let i = 0; i < result.length; i++) result[i] = of(values[i]);
  return constantOf(source.shape, rounded(type, result), type);
};

/**
 * A function of two operands. For two values, or a value and a constant, there may be a translation that can be fused with other layers. If it does
 * not fit, the function is applied number by number.
 */
function binary(
  kind: PairKind,
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
      if (!isValue(a) && !isValue(b)) {
        // The type of a power is that of its base.
        const type = kind === 'pow' ? a.type : commonType(a.type, b.type);
        return combine([a, b], type, pairOf(kind, type), budget);
      }
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

/** A function of one operand. */
const unary = (of: (call: Call) => UnaryFunction, attributes: readonly string[] = []): Operator => ({
  attributes,
  translate(call) {
    const x = operand(call, 0);
    const spec = of(call);
    if (isValue(x)) return apply(call.kit, x, spec);
    if (isReal(x.type)) return mapped(x, (number) => functionValue(spec, number));
    if (!WHOLE_RESULTS.has(spec.kind)) throw new InputError(`its input has the type ${x.type}`);
    return mapped(x, (number) => wrap(x.type, functionValue(spec, exact(x.type, number))));
  },
});

/** Functions of whole numbers that give whole numbers. */
const WHOLE_RESULTS: ReadonlySet<string> = new Set(['abs', 'neg', 'sign']);
const plainUnary = (kind: Exclude<UnaryFunction, { a: number }>['kind']): Operator => unary(() => ({ kind }));

const inverse = (source: Constant) => mapped(source, (number) => 1 / number);
const negative = (source: Constant) => mapped(source, (number) => -number);

const division = binary('div', {
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

/** Exporters write the largest float32 if there is no bound. Any number from here on counts as no bound. */
const LARGEST = 3.4e38;

function clamp(call: Call, x: Operand, least: number, most: number): Operand {
  const b = most >= LARGEST ? Infinity : most;
  // If the lower bound is above the upper one, every number becomes the upper one.
  const a = least > b ? b : least <= -LARGEST ? -Infinity : least;
  if (!isValue(x)) return mapped(x, (number) => Math.min(Math.max(number, a), b));
  if (Number.isNaN(a) || Number.isNaN(b)) throw new Unsupported(`its bounds are ${a} and ${b}`);
  if (a === -Infinity && b === Infinity) return x;
  return activate(call.kit, x, a === 0 && b === Infinity ? { kind: 'relu' } : { kind: 'clip', a, b });
}

/** The larger or smaller of a value and a number is a clip. */
function bound(isLargest: boolean): Operator {
  const pair = binary(isLargest ? 'max' : 'min');
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

/** max(0, min(1, α · x + β)). A factor and a summand before the hard sigmoid give it any slope. */
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

/** The slope is one number, or a constant that is broadcast to the value. */
function prelu(call: Call): Value {
  const slopes = constant(call, 1);
  const x = value(call, 0);
  const values = slopes.constant.values();
  if (values.every((slope) => slope === values[0])) return activate(call.kit, x, { kind: 'leaky_relu', a: values[0] });
  return combineValues(call.kit, x, slopes, 'prelu');
}

const power = binary('pow', {
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

/** The sum times 1 / n. */
function meanOf(call: Call): Operand {
  const sum = sumOf(call);
  const share = scalar(1 / call.operands.length);
  return isValue(sum) ? scaleAndShift(call.kit, sum, share, 0) : mapped(sum, (number) => number / call.operands.length);
}

const addition = binary('add', {
  values: add,
  first: (kit, a, b) => scaleAndShift(kit, a, 1, b),
  second: (kit, a, b) => scaleAndShift(kit, b, 1, a),
});

/** A constant minus a value is computed as the negated value plus the constant. */
const difference = binary('sub', {
  values: (kit, a, b) => add(kit, a, scaleAndShift(kit, b, -1, 0)),
  first: (kit, a, b) => scaleAndShift(kit, a, 1, negative(b)),
  second: (kit, a, b) => scaleAndShift(kit, b, -1, a),
});

const modulo = (call: Call): Operand =>
  (numberOf(call, 'fmod', 0) === 1 ? binary('fmod') : binary('mod')).translate(call) as Operand;

/** How ONNX's arithmetic operators are read, by their names. */
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
  Celu: unary((call) => ({ kind: 'celu', a: numberOf(call, 'alpha', 1) }), ['alpha']),
  Clip: { attributes: ['min', 'max'], translate: clip },
  Div: division,
  Elu: unary((call) => ({ kind: 'elu', a: numberOf(call, 'alpha', 1) }), ['alpha']),
  Gelu: activation(['approximate'], (call) => ({
    kind: textOf(call, 'approximate', 'none') === 'tanh' ? 'gelu_tanh' : 'gelu',
  })),
  HardSigmoid: { attributes: ['alpha', 'beta'], translate: hardSigmoid },
  HardSwish: plain('hard_swish'),
  LeakyRelu: activation(['alpha'], (call) => ({ kind: 'leaky_relu', a: numberOf(call, 'alpha', 0.01) })),
  Max: bound(true),
  Mean: { translate: meanOf },
  Min: bound(false),
  Mod: { attributes: ['fmod'], translate: modulo },
  Mul: binary('mul', {
    values: multiply,
    first: (kit, a, b) => scaleAndShift(kit, a, b, 0),
    second: (kit, a, b) => scaleAndShift(kit, b, a, 0),
  }),
  Neg: {
    translate: (call) => {
      const x = operand(call, 0);
      return isValue(x) ? scaleAndShift(call.kit, x, -1, 0) : plainUnary('neg').translate(call);
    },
  },
  PRelu: { translate: prelu },
  Pow: power,
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
};
