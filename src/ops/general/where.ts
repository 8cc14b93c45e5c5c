/** Chooses between two tensors, element by element, by a condition. The tensors have any rank, and dimensions of 1 are repeated. */
import { where as kernel } from '../../generated/kernels/where.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { elementwiseForm, indicesFor, lowerElementwise, plain } from './elementwise.js';

const INPUTS = ['condition', 'a', 'b'] as const;
export type WhereInputs = typeof INPUTS;

/** condition, a, b: as the inputs of `binary`. y: a where the condition is not 0, b elsewhere. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'where',
  inputs: INPUTS,
  infer: (tensors) => [elementwiseForm(tensors)],
  flops: ({ outputs: [y] }) => elementCount(y),
  lower({ inputs: [condition, a, b], outputs: [y] }, context) {
    lowerElementwise(context, y, kernel, { condition, a, b });
  },
};

/** Adds a where the condition is not 0, b elsewhere. */
export function where(g: GraphBuilder, condition: Tensor, a: Tensor, b: Tensor, name?: string): Tensor {
  return g.apply(forward, plain(g, [condition, a, b]), {}, name);
}

export const reference: Reference<object, typeof INPUTS> = ([condition, a, b], { inputs, outputs: [y] }) => {
  const [atCondition, atA, atB] = inputs.map((tensor) => indicesFor(tensor, y));
  return [Float64Array.from(atCondition, (place, i) => (condition[place] !== 0 ? a[atA[i]] : b[atB[i]]))];
};

const mask = (i: number) => (i * 5) % 3;

export const cases = (): Case[] => [
  { inputs: [{ shape: [2, 3, 5, 7], fill: mask }, { shape: [7] }, { shape: [1, 3, 1, 1] }], attributes: {} },
  { inputs: [{ shape: [3, 1], layout: 'dense', fill: mask }, { shape: [2, 1, 133] }, { shape: [] }], attributes: {} },
  // A number that is not chosen may be infinite.
  {
    inputs: [
      { shape: [1, 3, 3, 5], fill: mask },
      { shape: [1, 3, 3, 5], layout: 'nhwc4', fill: (i) => (mask(i) ? i : Infinity) },
      { shape: [1] },
    ],
    attributes: {},
  },
];
