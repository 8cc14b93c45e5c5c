/** Activations and their derivatives in float64, for references. Every kind has a row, or this file does not compile. */
import type { Activation } from './activation.js';

interface Formulas {
  /** act(x), with the parameters a and b of the kinds that have them. */
  value(x: number, a: number, b: number): number;
  /** act′ from y = act(x), or from x where `ACTIVATIONS` says so. At a kink it is 0, as in torch. */
  slope(v: number, a: number, b: number): number;
}

/** The logistic function, 1 / (1 + exp(−x)), of a number. */
export const logistic = (x: number) => 1 / (1 + Math.exp(-x));

const FORMULAS: Readonly<Record<Activation['kind'], Formulas>> = {
  relu: { value: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
  leaky_relu: { value: (x, a) => (x > 0 ? x : x * a), slope: (y, a) => (y > 0 ? 1 : a) },
  clip: { value: (x, a, b) => Math.min(Math.max(x, a), b), slope: (y, a, b) => (y > a && y < b ? 1 : 0) },
  sigmoid: { value: logistic, slope: (y) => y * (1 - y) },
  tanh: { value: Math.tanh, slope: (y) => 1 - y * y },
  hard_swish: {
    value: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1),
    slope: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
  },
  silu: {
    value: (x) => x / (1 + Math.exp(-x)),
    slope: (x) => logistic(x) * (1 + x * (1 - logistic(x))),
  },
};

const parametersOf = (spec: Activation): [number, number] => ['a' in spec ? spec.a : 0, 'b' in spec ? spec.b : 0];

/** act(x), or x where there is no activation. */
export function activate(spec: Activation | undefined, x: number): number {
  return spec ? FORMULAS[spec.kind].value(x, ...parametersOf(spec)) : x;
}

/** act′, from act(x) or from x: see `slopeFromOutput`. */
export function slopeOf(spec: Activation, v: number): number {
  return FORMULAS[spec.kind].slope(v, ...parametersOf(spec));
}
