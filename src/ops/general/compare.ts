/**
 * Comparisons and logic of two tensors of any rank, with dimensions of 1 repeated. True is 1 and false is 0; in inputs every number except
 * 0 is true.
 */
import { binary as kernel } from '../../generated/kernels/binary.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { elementwiseForm, indicesFor, lowerElementwise, plain } from './elementwise.js';

/** Each kind's number in kernels/general/binary.wgsl, where they follow those of binary.ts. */
export const COMPARISONS = {
  equal: { code: 11, value: (p: number, q: number) => p === q },
  less: { code: 12, value: (p: number, q: number) => p < q },
  less_or_equal: { code: 13, value: (p: number, q: number) => p <= q },
  greater: { code: 14, value: (p: number, q: number) => p > q },
  greater_or_equal: { code: 15, value: (p: number, q: number) => p >= q },
  and: { code: 16, value: (p: number, q: number) => p !== 0 && q !== 0 },
  or: { code: 17, value: (p: number, q: number) => p !== 0 || q !== 0 },
  xor: { code: 18, value: (p: number, q: number) => (p !== 0) !== (q !== 0) },
} as const;

/** Which comparison. */
export interface CompareAttributes {
  kind: keyof typeof COMPARISONS;
}

const INPUTS = ['a', 'b'] as const;

/** a, b: see `binary`. */
export const forward: Operation<CompareAttributes, typeof INPUTS> = {
  name: 'compare',
  inputs: INPUTS,
  infer: (tensors) => [elementwiseForm(tensors)],
  flops: ({ outputs: [y] }) => elementCount(y),
  lower({ inputs: [a, b], outputs: [y], attributes: { kind } }, context) {
    lowerElementwise(context, y, kernel, { a, b }, { code: COMPARISONS[kind].code, nan: 0x7fc00000 });
  },
};

/** Adds a comparison: 1 where it holds, 0 elsewhere. It has no gradient. */
export function compare(g: GraphBuilder, a: Tensor, b: Tensor, kind: CompareAttributes['kind'], name?: string): Tensor {
  return g.apply(forward, plain(g, [a, b]), { kind }, name);
}

export const reference: Reference<CompareAttributes, typeof INPUTS> = (
  [a, b],
  { inputs, outputs: [y], attributes },
) => {
  const [atA, atB] = inputs.map((tensor) => indicesFor(tensor, y));
  const { value } = COMPARISONS[attributes.kind];
  return [Float64Array.from(atA, (place, i) => (value(a[place], b[atB[i]]) ? 1 : 0))];
};

const whole = (i: number) => (i * 7) % 5;

export const cases = (): Case<CompareAttributes>[] => [
  ...(Object.keys(COMPARISONS) as CompareAttributes['kind'][]).map((kind) => ({
    inputs: [
      { shape: [2, 3, 5, 7], fill: (i: number) => i % 3 },
      { shape: [3, 1, 7], fill: whole },
    ],
    attributes: { kind },
    exact: true,
  })),
  {
    inputs: [
      { shape: [], layout: 'dense' },
      { shape: [], layout: 'dense' },
    ],
    attributes: { kind: 'less' },
    exact: true,
  },
];
