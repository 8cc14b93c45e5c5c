/** The same numbers in the same order, with another shape. */
import { InputError } from '../../errors.js';
import { rearrange } from '../../generated/kernels/rearrange.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Gradient, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, describeShape, elementCount, product, type Tensor } from '../../graph/ir/tensor.js';
import { allOf, dispatchWalk } from './walk.js';

export interface ReshapeAttributes {
  /**
   * The new sizes. A 0 means the size of the same dimension of x. One size may be −1, and is then computed from the others. So a shape can be
   * right for any number of images.
   */
  shape: readonly number[];
}

const INPUTS = ['x'] as const;

/** x, y: dense f32. */
export const forward: Operation<ReshapeAttributes, typeof INPUTS> = {
  name: 'reshape',
  inputs: INPUTS,
  infer([x], { shape }) {
    if (x.layout !== 'dense' || x.type !== 'f32') {
      throw new InputError('input', { expected: 'dense f32', given: describeForm(x), hint: 'permute it first' });
    }
    const sizes = shape.map((size, d) => (size === 0 ? (x.shape[d] ?? -2) : size));
    const known = product(sizes.filter((size) => size !== -1));
    const left = elementCount(x) / known;
    const full = sizes.map((size) => (size === -1 ? left : size));
    const valid = full.every((size) => Number.isInteger(size) && size >= 1) && product(full) === elementCount(x);
    if (!valid || sizes.filter((size) => size === -1).length > 1) {
      throw new InputError('shape', { expected: `sizes for ${describeShape(x)}`, given: shape.join('×') });
    }
    return [{ shape: full, layout: 'dense', type: 'f32' }];
  },
  flops: () => 0,
  lower({ inputs: [x], outputs: [y] }, context) {
    dispatchWalk(context, y, { kernel: rearrange, inputs: { x: { ...allOf(y), tensor: x, as: y.shape } } });
  },
};

/** Adds a change of the shape of a dense tensor. A size of 0 means that of the same dimension of x; one size may be −1, and is computed. */
export function reshape(g: GraphBuilder, x: Tensor, shape: readonly number[], name?: string): Tensor {
  return x.shape.join() === shape.join() && x.shape.length === shape.length
    ? x
    : g.apply(forward, [x], { shape }, name);
}

export const reference: Reference<ReshapeAttributes, typeof INPUTS> = ([x]) => [x];

export const gradient: Gradient<ReshapeAttributes, typeof INPUTS> = (g, { inputs: [x], outputs: [y] }, [dy]) => [
  g.apply(forward, [dy], { shape: x.shape }, `${y.name}/gradient`),
];

const caseOf = (from: readonly number[], shape: readonly number[]): Case<ReshapeAttributes> => ({
  inputs: [{ shape: from, layout: 'dense' }],
  attributes: { shape },
});

export const cases = (): Case<ReshapeAttributes>[] => [
  caseOf([], [1, 1]),
  caseOf([1], []),
  caseOf([2, 3, 35], [0, 7, -1]),
  caseOf([133, 3, 2], [3, -1, 2, 1]),
  caseOf([2, 6, 4], [0, 0, 2, 2, 1, 1]),
];
