/**
 * Functions of two tensors of any rank, element by element. The tensors are broadcast as in NumPy: counted from the last dimension, sizes
 * are equal or one of them is 1, and is then repeated. For sums and products of maps of one shape, `sum` and `mul` are faster, because they
 * can be fused.
 */
import { InputError } from '../../errors.js';
import { binary as kernel } from '../../generated/kernels/binary.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, CaseInput, Operation, Reference } from '../../graph/ir/operation.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { elementwiseForm, indicesFor, lowerElementwise, plain } from './elementwise.js';

interface BinaryRow {
  /** Its number in kernels/general/binary.wgsl. */
  readonly code: number;
  value(p: number, q: number): number;
}

/** The remainder of p divided by q, with the sign of q; by ∞ it is p, or ∞ if the signs differ. */
export const remainder = (p: number, q: number): number => {
  const rest = p % q;
  if (rest === 0) return q < 0 ? -0 : 0;
  return rest < 0 !== q < 0 ? rest + q : rest;
};

export const FUNCTIONS: Readonly<Record<BinaryAttributes['kind'], BinaryRow>> = {
  add: { code: 1, value: (p, q) => p + q },
  sub: { code: 2, value: (p, q) => p - q },
  mul: { code: 3, value: (p, q) => p * q },
  div: { code: 4, value: (p, q) => p / q },
  pow: { code: 5, value: (p, q) => p ** q },
  min: { code: 6, value: Math.min },
  max: { code: 7, value: Math.max },
  prelu: { code: 8, value: (p, q) => (p > 0 ? p : p * q) },
  mod: { code: 9, value: remainder },
  fmod: { code: 10, value: (p, q) => p % q },
};

/** Which function of two tensors. */
export interface BinaryAttributes {
  /** `prelu` is a above 0, else a · b. `mod` is the remainder with the sign of b, `fmod` with that of a. */
  kind: 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'min' | 'max' | 'prelu' | 'mod' | 'fmod';
}

const INPUTS = ['a', 'b'] as const;
export type BinaryInputs = typeof INPUTS;

/** a, b: dense, or nhwc4 without holes, whose rank is then that of the result. y: nhwc4 if one of them is. */
export const forward: Operation<BinaryAttributes, typeof INPUTS> = {
  name: 'binary',
  inputs: INPUTS,
  infer(tensors, { kind }) {
    if (!Object.hasOwn(FUNCTIONS, kind)) {
      throw new InputError('function of two numbers', { expected: Object.keys(FUNCTIONS).join(', '), given: kind });
    }
    return [elementwiseForm(tensors)];
  },
  flops: ({ outputs: [y] }) => elementCount(y),
  lower({ inputs: [a, b], outputs: [y], attributes: { kind } }, context) {
    lowerElementwise(context, y, kernel, { a, b }, { code: FUNCTIONS[kind].code, nan: 0x7fc00000 });
  },
};

/** Adds a function of two tensors of any rank. Dimensions of 1 are repeated. */
export function binary(g: GraphBuilder, a: Tensor, b: Tensor, kind: BinaryAttributes['kind'], name?: string): Tensor {
  return g.apply(forward, plain(g, [a, b]), { kind }, name);
}

export const reference: Reference<BinaryAttributes, typeof INPUTS> = ([a, b], { inputs, outputs: [y], attributes }) => {
  const [atA, atB] = inputs.map((tensor) => indicesFor(tensor, y));
  const { value } = FUNCTIONS[attributes.kind];
  return [Float64Array.from(atA, (place, i) => value(a[place], b[atB[i]]))];
};

const dense = (shape: readonly number[], fill?: CaseInput['fill']): CaseInput => ({
  shape,
  layout: 'dense',
  ...(fill ? { fill } : {}),
});
const kinds = Object.keys(FUNCTIONS) as BinaryAttributes['kind'][];

export const cases = (): Case<BinaryAttributes>[] => [
  ...kinds.map((kind) => ({
    inputs: [
      { shape: [2, 3, 5, 7], ...(kind === 'pow' ? { fill: 'positive' as const } : {}) },
      { shape: [1, 3, 1, 7], fill: 'positive' as const },
    ],
    attributes: { kind },
  })),
  // Which side is repeated, and how many dimensions there are.
  ...(
    [
      [[], []],
      [[3], []],
      [[], [1, 2]],
      [
        [1, 3, 1],
        [2, 1, 5],
      ],
      [[133], [2, 1, 1, 133]],
      [
        [3, 1, 141, 1],
        [1, 2, 1, 3],
      ],
      [
        [2, 1, 2, 1, 2, 1],
        [2, 3, 1, 3, 2, 3],
      ],
    ] as const
  ).map(([a, b]) => ({ inputs: [dense(a), dense(b)], attributes: { kind: 'sub' as const } })),
  { inputs: [{ shape: [2, 3, 4, 1] }, { shape: [1, 1, 1, 6], layout: 'nhwc4' }], attributes: { kind: 'add' } },
  { inputs: [dense([1, 1, 4, 5]), { shape: [2, 3, 1, 5], layout: 'nhwc4' }], attributes: { kind: 'div' } },
  { inputs: [{ shape: [3, 7] }, dense([])], attributes: { kind: 'max' } },
  // Exponents that are whole, and bases below 0.
  { inputs: [dense([9, 3]), dense([9, 1], (i) => i - 4)], attributes: { kind: 'pow' } },
  { inputs: [dense([9, 5], (i) => i - 20), dense([1], () => 2)], attributes: { kind: 'pow' }, exact: true },
  // Remainders of whole numbers, whose quotient may be rounded to the next one.
  ...(['mod', 'fmod'] as const).map((kind) => ({
    inputs: [dense([41, 1], (i) => i * 3 - 60), dense([9], (i) => (i < 4 ? i - 7 : i + 1))],
    attributes: { kind },
    exact: true,
  })),
  // Infinities, signed zeros, and quotients that float32 does not hold.
  ...(['mod', 'fmod'] as const).map((kind) => ({
    inputs: [dense([10, 1], (i) => REMAINDERS[i]), dense([10], (i) => REMAINDERS[i])],
    attributes: { kind },
    exact: true,
  })),
];

const REMAINDERS = [0, -0, 3, -1, Infinity, -Infinity, NaN, -(2 ** 100), 0.75, 16_777_215];
