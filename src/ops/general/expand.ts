/** Repeats a tensor along its dimensions of size 1, and along new dimensions before the first. */
import { InputError } from '../../errors.js';
import { rearrange } from '../../generated/kernels/rearrange.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, type Tensor } from '../../graph/ir/tensor.js';
import { plain } from './elementwise.js';
import { broadcast, broadcastTo, checkWalked, dispatchWalk, walkIndices } from './walk.js';

export interface ExpandAttributes {
  /** The sizes to repeat to, aligned at the last dimension. A 1 keeps the size of x. */
  shape: readonly number[];
}

const INPUTS = ['x'] as const;
export type ExpandInputs = typeof INPUTS;

/** x: dense, or nhwc4 without holes, whose rank stays. y: of the same layout and type. */
export const forward: Operation<ExpandAttributes, typeof INPUTS> = {
  name: 'expand',
  inputs: INPUTS,
  infer([x], { shape }) {
    checkWalked('repetition of', x);
    const full = broadcast(x.shape, shape);
    if (x.layout === 'nhwc4' && full.length !== x.shape.length) {
      throw new InputError('more dimensions for nhwc4', { expected: `${x.shape.length}`, given: describeForm(x) });
    }
    return [{ shape: full, layout: x.layout, type: x.type }];
  },
  flops: () => 0,
  lower({ inputs: [x], outputs: [y] }, context) {
    dispatchWalk(context, y, { kernel: rearrange, inputs: { x: broadcastTo(x, y.shape.length) } });
  },
};

/** Adds a repetition of x along its dimensions of size 1, to the given shape. */
export function expand(g: GraphBuilder, x: Tensor, shape: readonly number[], name?: string): Tensor {
  return broadcast(x.shape, shape).join() === x.shape.join() && shape.length <= x.shape.length
    ? x
    : g.apply(forward, plain(g, [x]), { shape }, name);
}

export const reference: Reference<ExpandAttributes, typeof INPUTS> = ([x], { inputs: [tensor], outputs: [y] }) => [
  Float64Array.from(walkIndices(y.shape, broadcastTo(tensor, y.shape.length)), (place) => x[place]),
];

export const cases = (): Case<ExpandAttributes>[] => [
  { inputs: [{ shape: [2, 1, 1, 5] }], attributes: { shape: [1, 3, 7, 1] } },
  { inputs: [{ shape: [1, 3, 2, 1] }], attributes: { shape: [2, 1, 1, 6] } },
  { inputs: [{ shape: [], layout: 'dense' }], attributes: { shape: [2, 3] } },
  { inputs: [{ shape: [3, 1, 5], layout: 'dense' }], attributes: { shape: [2, 1, 133, 1] } },
  { inputs: [{ shape: [2, 1, 2, 1, 2, 1], layout: 'dense' }], attributes: { shape: [2, 3, 1, 3, 1, 3] } },
];
