/** Multiplies a tensor by a fixed number, and by one that the graph computes. */
import { InputError } from '../../errors.js';
import { scale as kernel } from '../../generated/kernels/scale.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeShape, elementCount, product, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';

export interface ScaleAttributes {
  factor: number;
  /** Another shape for the same elements; nhwc4 keeps its channels: [n, c] as [n, 1, 1, c]. Default: that of x. */
  shape?: readonly number[];
}

const INPUTS = ['x', 'by?'] as const;

/** x, y: nhwc4 or dense. by: dense [1], or left out. */
export const forward: Operation<ScaleAttributes, typeof INPUTS> = {
  name: 'scale',
  inputs: INPUTS,
  infer([x, by], { factor, shape = x.shape }) {
    if (!Number.isFinite(factor))
      throw new InputError('factor', { expected: 'a finite number', given: String(factor) });
    if (by && elementCount(by) !== 1) throw new InputError('factor', { expected: '[1]', given: describeShape(by) });
    const sameChannels = x.layout === 'dense' || shape.at(-1) === x.shape.at(-1);
    if (product(shape) !== elementCount(x) || !sameChannels) {
      throw new InputError('shape', { expected: `the elements of ${describeShape(x)}`, given: shape.join('×') });
    }
    return [{ ...x, shape }];
  },
  flops: ({ outputs: [y] }) => elementCount(y),
  lower({ inputs: [x, by], outputs: [y], attributes: { factor } }, context) {
    dispatchGroups(context, y, {
      kernel,
      constants: { BY: Boolean(by) },
      inputs: { x },
      whole: [by],
      params: { factor },
    });
  },
};

/** Adds the product of every element with `factor` and, if given, with the single element of the tensor `by`. */
export function scale(g: GraphBuilder, x: Tensor, factor: number, by?: Tensor, name?: string): Tensor {
  return g.apply(forward, [x, by], { factor }, name);
}

export const reference: Reference<ScaleAttributes, typeof INPUTS> = ([x, by], { attributes: { factor } }) => [
  x.map((value) => value * factor * (by ? by[0] : 1)),
];

export const cases = (): Case<ScaleAttributes>[] => [
  { inputs: [{ shape: [1, 1, 1, 1] }, undefined], attributes: { factor: 3 } },
  { inputs: [{ shape: [2, 3, 5, 11], segments: [3, 7, 1] }, { shape: [1] }], attributes: { factor: -0.5 } },
  { inputs: [{ shape: [3, 133], layout: 'dense' }, { shape: [1] }], attributes: { factor: 1 } },
  { inputs: [{ shape: [7], layout: 'dense' }, undefined], attributes: { factor: 1, shape: [7, 1, 1] } },
  { inputs: [{ shape: [3, 7] }, undefined], attributes: { factor: 2, shape: [3, 1, 1, 7] } },
];
