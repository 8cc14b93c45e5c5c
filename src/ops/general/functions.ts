/** The table of functions of one number. */

/** Each function's number in kernels/general/unary.wgsl and unary_gradient.wgsl, and how many parameters it has. */
export const FUNCTIONS = {
  exp: { code: 1, parameters: 0 },
  log: { code: 2, parameters: 0 },
  sqrt: { code: 3, parameters: 0 },
  reciprocal: { code: 4, parameters: 0 },
  abs: { code: 5, parameters: 0 },
  neg: { code: 6, parameters: 0 },
  floor: { code: 7, parameters: 0 },
  ceil: { code: 8, parameters: 0 },
  round: { code: 9, parameters: 0 },
  sign: { code: 10, parameters: 0 },
  trunc: { code: 11, parameters: 0 },
  erf: { code: 12, parameters: 0 },
  softplus: { code: 13, parameters: 0 },
  softsign: { code: 14, parameters: 0 },
  elu: { code: 15, parameters: 1 },
  selu: { code: 16, parameters: 2 },
  celu: { code: 17, parameters: 1 },
  mish: { code: 18, parameters: 0 },
  thresholded_relu: { code: 19, parameters: 1 },
  clamped_line: { code: 20, parameters: 2 },
  shrink: { code: 21, parameters: 2 },
  sin: { code: 22, parameters: 0 },
  cos: { code: 23, parameters: 0 },
  tan: { code: 24, parameters: 0 },
  asin: { code: 25, parameters: 0 },
  acos: { code: 26, parameters: 0 },
  atan: { code: 27, parameters: 0 },
  sinh: { code: 28, parameters: 0 },
  cosh: { code: 29, parameters: 0 },
  asinh: { code: 30, parameters: 0 },
  acosh: { code: 31, parameters: 0 },
  atanh: { code: 32, parameters: 0 },
  not: { code: 33, parameters: 0 },
  swish: { code: 34, parameters: 1 },
  line: { code: 35, parameters: 2 },
} as const;

type Kind = keyof typeof FUNCTIONS;

/**
 * A function of one number. `round` rounds halves to the even number. With the parameters a and b: `elu` is a · (eˣ − 1) below 0, `selu` b times
 * that and b · x above, `celu` a · (eˣᐟᵃ − 1) below 0; `thresholded_relu` is x above a, else 0; `clamped_line` is a · x + b within 0 … 1
 * (a hard sigmoid with any slope); `shrink` moves x by b towards 0 and is 0 within ±a; `swish` is x · σ(a · x); `line` is a · x + b.
 * `not` is 1 for 0, else 0. If a function is not defined for a number (the logarithm of a negative one), the result is NaN.
 */
export type UnaryFunction =
  | { readonly kind: Exclude<Kind, KindWith<1> | KindWith<2>> }
  | { readonly kind: KindWith<1>; readonly a: number }
  | { readonly kind: KindWith<2>; readonly a: number; readonly b: number };

type KindWith<Count extends 1 | 2> = {
  [K in Kind]: (typeof FUNCTIONS)[K]['parameters'] extends Count ? K : never;
}[Kind];

/** The function's number and parameters, as the kernels need them. */
export function functionParams(spec: UnaryFunction): { code: number; a: number; b: number } {
  return { code: FUNCTIONS[spec.kind].code, a: 'a' in spec ? spec.a : 0, b: 'b' in spec ? spec.b : 0 };
}
