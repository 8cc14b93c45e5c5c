/** Activations and their derivatives in float64, for references. This file compiles only if every kind has a row. */
import { sigmoid } from '../../sigmoid.js';
import type { Activation } from './activations.js';

type Parameters = readonly [a?: number, b?: number];

interface Formulas {
  /** Parameters for tests; a kind without an example would not be tested. */
  readonly examples: readonly [Parameters, ...Parameters[]];
  /** act(x), with the parameters a and b of the kinds that have them. */
  value(x: number, a: number, b: number): number;
  /** act′, from y = act(x), or from x if `ACTIVATIONS` says so. At a kink it is 0, as in PyTorch. */
  slope(v: number, a: number, b: number): number;
}

const hardSigmoid = (x: number) => Math.min(Math.max(x / 6 + 0.5, 0), 1);

/** exp(−x²/2) / √(2π), the density of the standard normal distribution. */
export const density = (x: number) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

/** Φ(x), the standard normal distribution function: near 0 by its power series, further out by Laplace's continued fraction. */
export function normal(x: number): number {
  const u = Math.abs(x);
  let tail = 0;
  if (u < 3) {
    let term = u;
    let sum = 0;
    for (let n = 1; sum + term !== sum; n++) {
      sum += term;
      term *= (u * u) / (2 * n + 1);
    }
    tail = 0.5 - density(u) * sum;
  } else {
    let fraction = u;
    for (let n = 100; n > 0; n--) fraction = u + n / fraction;
    tail = density(u) / fraction;
  }
  return x > 0 ? 1 - tail : tail;
}

/** 2z and its derivative; gelu_tanh replaces Φ by (1 + tanh(z)) / 2. Source: Hendrycks & Gimpel 2016. */
const twice = (x: number) => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
const twiceSlope = (x: number) => 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);

const plain: Formulas['examples'] = [[]];

const FORMULAS: Readonly<Record<Activation['kind'], Formulas>> = {
  relu: { examples: plain, value: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
  leaky_relu: { examples: [[0.01]], value: (x, a) => (x > 0 ? x : x * a), slope: (y, a) => (y > 0 ? 1 : a) },
  clip: {
    examples: [
      [0, 6],
      [0.5, 0.75],
      [-0.5, 0.75],
    ],
    value: (x, a, b) => Math.min(Math.max(x, a), b),
    slope: (y, a, b) => (y > a && y < b ? 1 : 0),
  },
  sigmoid: { examples: plain, value: sigmoid, slope: (y) => y * (1 - y) },
  tanh: { examples: plain, value: Math.tanh, slope: (y) => 1 - y * y },
  hard_swish: {
    examples: plain,
    value: (x) => x * hardSigmoid(x),
    slope: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
  },
  silu: {
    examples: plain,
    value: (x) => x * sigmoid(x),
    slope: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  },
  hard_sigmoid: { examples: plain, value: hardSigmoid, slope: (x) => (Math.abs(x) < 3 ? 1 / 6 : 0) },
  gelu: { examples: plain, value: (x) => x * normal(x), slope: (x) => normal(x) + x * density(x) },
  gelu_tanh: {
    examples: plain,
    value: (x) => x * sigmoid(twice(x)),
    slope: (x) => sigmoid(twice(x)) + x * sigmoid(twice(x)) * sigmoid(-twice(x)) * twiceSlope(x),
  },
};

const parametersOf = (spec: Activation): [number, number] => ['a' in spec ? spec.a : 0, 'b' in spec ? spec.b : 0];

/** act(x), or x if there is no activation. */
export function activate(spec: Activation | undefined, x: number): number {
  return spec ? FORMULAS[spec.kind].value(x, ...parametersOf(spec)) : x;
}

/** act′, from act(x) or from x: see `slopeFromOutput`. */
export function slopeOf(spec: Activation, v: number): number {
  return FORMULAS[spec.kind].slope(v, ...parametersOf(spec));
}

/** Each kind with each of its examples, for the tables of cases. */
export const exampleActivations = (): Activation[] =>
  Object.entries(FORMULAS).flatMap(([kind, { examples }]) =>
    examples.map(
      ([a, b]) => ({ kind, ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) }) as Activation,
    ),
  );
