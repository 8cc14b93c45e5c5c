/** The share of each element in the mean of the k largest of its row: what top-k pooling multiplies a map with. */
import { InputError } from '../../errors.js';
import { top_shares as kernel } from '../../generated/kernels/top_shares.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Gradient, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchWalk } from './walk.js';

export interface TopSharesAttributes {
  /** How many elements of each row: from 1 to all of them. */
  k: number;
}

const INPUTS = ['x'] as const;

/** x, y: dense f32 of one shape. The last dimension is the row. */
export const forward: Operation<TopSharesAttributes, typeof INPUTS> = {
  name: 'top_shares',
  inputs: INPUTS,
  infer([x], { k }) {
    if (x.layout !== 'dense' || x.type !== 'f32' || x.shape.length === 0)
      throw new InputError('input', { expected: 'dense f32 rows', given: describeForm(x) });
    const most = x.shape.at(-1)!;
    if (!(Number.isInteger(k) && k >= 1 && k <= most))
      throw new InputError('k of the k largest', { expected: `a whole number from 1 to ${most}`, given: String(k) });
    return [x];
  },
  flops: ({ outputs: [y] }) => 2 * elementCount(y) * y.shape.at(-1)!,
  lower({ inputs: [x], outputs: [y], attributes: { k } }, context) {
    const along = x.shape.map((_, d) => (d === x.shape.length - 1 ? undefined : d));
    dispatchWalk(context, y, { kernel, inputs: { x: { tensor: x, along } }, params: { k } });
  },
};

/**
 * Adds the shares of the k largest elements of each row (the last dimension): 1/k each, and 0 for the others. Elements that are equal to the
 * k-th largest share what is left. Their sum over a row is 1.
 * @param x dense f32
 */
export const topShares = (g: GraphBuilder, x: Tensor, k: number, name?: string): Tensor =>
  g.apply(forward, [x], { k }, name);

export const reference: Reference<TopSharesAttributes, typeof INPUTS> = ([x], { outputs: [y], attributes: { k } }) => {
  const columns = y.shape.at(-1)!;
  const shares = new Float64Array(x.length);
  for (let first = 0; first < x.length; first += columns) {
    const row = x.subarray(first, first + columns);
    const border = [...row].sort((a, b) => b - a)[k - 1];
    const above = row.filter((value) => value > border).length;
    const equal = row.filter((value) => value === border).length;
    for (const [c, value] of row.entries())
      shares[first + c] = value > border ? 1 / k : value === border ? (k - above) / equal / k : 0;
  }
  return [shares];
};

/** Shares only change where two elements change places. Everywhere else their derivative is 0, so x gets no gradient. */
export const gradient: Gradient<TopSharesAttributes, typeof INPUTS> = () => [undefined];

const caseOf = (shape: readonly number[], k: number, fill?: (i: number) => number): Case<TopSharesAttributes> => ({
  inputs: [{ shape, layout: 'dense', ...(fill ? { fill } : {}) }],
  attributes: { k },
});

export const cases = (): Case<TopSharesAttributes>[] => [
  caseOf([1], 1),
  caseOf([2, 3, 35], 1),
  caseOf([2, 3, 35], 4),
  caseOf([3, 133], 132),
  caseOf([5, 1, 7], 7),
  caseOf([141, 3], 2),
  // Equal elements at the border, above it, and everywhere; zeros of both signs; values of the largest size.
  caseOf([2, 4, 9], 4, (i) => (i * 5) % 3),
  caseOf([1, 11], 3, (i) => Math.min(i, 5)),
  caseOf([2, 64], 10, () => -2.5),
  caseOf([1, 6], 2, (i) => (i % 2 ? -0 : 0)),
  caseOf([1, 5], 2, (i) => (i - 2) * 1.5e38),
  { ...caseOf([8, 8, 196], 20), bench: true },
];
