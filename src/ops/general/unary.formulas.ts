/** The functions of functions.ts and their derivatives in float64, for references. This file compiles only if every kind has a row. */
import type { CaseInput } from '../../graph/ir/operation.js';
import { sigmoid, softplus } from '../../sigmoid.js';
import { normal } from '../layers/activation.formulas.js';
import type { UnaryFunction } from './functions.js';

interface Formulas {
  /** f(x), with the parameters a and b of the kinds that have them. */
  value(x: number, a: number, b: number): number;
  /** f′(x); 0 at a kink. */
  slope(x: number, a: number, b: number): number;
  /** Parameters for tests. */
  readonly example?: readonly [a: number, b?: number];
  /** Values for tests, if f is not defined for every number. Default: standard normal. */
  readonly fill?: CaseInput['fill'];
}

const none = () => 0;
const step = (condition: boolean) => (condition ? 1 : 0);

/** The nearest whole number; halves are rounded to the even one. */
function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

const expBelow = (x: number, a: number) => (x > 0 ? x : a * Math.expm1(x));
const above = (x: number) => 1.01 + Math.abs(x);

const FORMULAS: Readonly<Record<UnaryFunction['kind'], Formulas>> = {
  exp: { value: Math.exp, slope: Math.exp },
  log: { value: Math.log, slope: (x) => 1 / x, fill: 'positive' },
  sqrt: { value: Math.sqrt, slope: (x) => 0.5 / Math.sqrt(x), fill: 'positive' },
  reciprocal: { value: (x) => 1 / x, slope: (x) => -1 / (x * x), fill: 'positive' },
  abs: { value: Math.abs, slope: Math.sign },
  neg: { value: (x) => -x, slope: () => -1 },
  floor: { value: Math.floor, slope: none },
  ceil: { value: Math.ceil, slope: none },
  round: { value: roundEven, slope: none },
  sign: { value: Math.sign, slope: none },
  trunc: { value: Math.trunc, slope: none },
  erf: { value: (x) => 2 * normal(x * Math.SQRT2) - 1, slope: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) },
  softplus: { value: softplus, slope: sigmoid },
  softsign: { value: (x) => x / (1 + Math.abs(x)), slope: (x) => 1 / (1 + Math.abs(x)) ** 2 },
  elu: { value: expBelow, slope: (x, a) => (x > 0 ? 1 : a * Math.exp(x)), example: [0.7] },
  selu: {
    value: (x, a, b) => b * expBelow(x, a),
    slope: (x, a, b) => b * (x > 0 ? 1 : a * Math.exp(x)),
    example: [1.67326, 1.0507],
  },
  celu: {
    value: (x, a) => (x > 0 ? x : a * Math.expm1(x / a)),
    slope: (x, a) => (x > 0 ? 1 : Math.exp(x / a)),
    example: [2],
  },
  mish: {
    value: (x) => x * Math.tanh(softplus(x)),
    slope: (x) => Math.tanh(softplus(x)) + x * (1 - Math.tanh(softplus(x)) ** 2) * sigmoid(x),
  },
  thresholded_relu: { value: (x, a) => (x > a ? x : 0), slope: (x, a) => step(x > a), example: [0.4] },
  clamped_line: {
    value: (x, a, b) => Math.min(Math.max(a * x + b, 0), 1),
    slope: (x, a, b) => (a * x + b > 0 && a * x + b < 1 ? a : 0),
    example: [0.3, 0.4],
  },
  shrink: {
    value: (x, a, b) => (x < -a ? x + b : x > a ? x - b : 0),
    slope: (x, a) => step(Math.abs(x) > a),
    example: [0.5, 0.2],
  },
  sin: { value: Math.sin, slope: Math.cos },
  cos: { value: Math.cos, slope: (x) => -Math.sin(x) },
  tan: { value: Math.tan, slope: (x) => 1 / Math.cos(x) ** 2, fill: 'uniform' },
  asin: { value: Math.asin, slope: (x) => 1 / Math.sqrt(1 - x * x), fill: (i) => Math.sin(1.3 * i) * 0.98 },
  acos: { value: Math.acos, slope: (x) => -1 / Math.sqrt(1 - x * x), fill: (i) => Math.sin(1.3 * i) * 0.98 },
  atan: { value: Math.atan, slope: (x) => 1 / (1 + x * x) },
  sinh: { value: Math.sinh, slope: Math.cosh },
  cosh: { value: Math.cosh, slope: Math.sinh },
  asinh: { value: Math.asinh, slope: (x) => 1 / Math.sqrt(1 + x * x) },
  acosh: { value: Math.acosh, slope: (x) => 1 / Math.sqrt(x * x - 1), fill: (i) => above((i % 37) / 5) },
  atanh: { value: Math.atanh, slope: (x) => 1 / (1 - x * x), fill: (i) => Math.sin(1.3 * i) * 0.97 },
  not: { value: (x) => step(x === 0), slope: none, fill: (i) => i % 3 },
  swish: {
    value: (x, a) => x * sigmoid(a * x),
    slope: (x, a) => sigmoid(a * x) * (1 + a * x * sigmoid(-a * x)),
    example: [1.702],
  },
  line: { value: (x, a, b) => a * x + b, slope: (_, a) => a, example: [-0.75, 0.5] },
};

const parametersOf = (spec: UnaryFunction): [number, number] => ['a' in spec ? spec.a : 0, 'b' in spec ? spec.b : 0];

/** f(x) */
export const functionValue = (spec: UnaryFunction, x: number): number =>
  FORMULAS[spec.kind].value(x, ...parametersOf(spec));

/** f′(x) */
export const slopeOf = (spec: UnaryFunction, x: number): number => FORMULAS[spec.kind].slope(x, ...parametersOf(spec));

/** Each kind, with parameters and values to test it with. */
export const exampleFunctions = (): { spec: UnaryFunction; fill: CaseInput['fill'] }[] =>
  Object.entries(FORMULAS).map(([kind, { example, fill = 'normal' }]) => {
    const [a, b] = example ?? [];
    const spec = { kind, ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) } as UnaryFunction;
    return { spec, fill };
  });
