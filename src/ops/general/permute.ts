/** Puts dimensions into another order (a transposition). It also converts between the layouts: nhwc4 images and dense tensors. */
import { InputError } from '../../errors.js';
import { rearrange } from '../../generated/kernels/rearrange.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Gradient, Operation, Reference } from '../../graph/ir/operation.js';
import { describeShape, type Layout, type Tensor } from '../../graph/ir/tensor.js';
import { plain } from './elementwise.js';
import { checkWalked, dispatchWalk, walkIndices } from './walk.js';

export interface PermuteAttributes {
  /** For each dimension of y, the dimension of x that it comes from. */
  order: readonly number[];
  /** The layout of y. */
  layout: Layout;
  /** The type of y, if it is a map [n, h, w, c] in nhwc4 and x is dense. Default: f32, which vectors [n, c] are in every graph. */
  type?: 'f16';
}

const INPUTS = ['x'] as const;

/** x: dense, or nhwc4 without holes. y: the same numbers; dense f32, or nhwc4. */
export const forward: Operation<PermuteAttributes, typeof INPUTS> = {
  name: 'permute',
  inputs: INPUTS,
  infer([x], { order, layout, type }) {
    checkWalked('permutation of', x);
    if ([...order].sort((a, b) => a - b).join() !== x.shape.map((_, d) => d).join()) {
      throw new InputError('order', {
        expected: `each dimension of ${describeShape(x)} once`,
        given: order.join(', '),
      });
    }
    if (layout === 'nhwc4' && order.length === 0) throw new InputError('nhwc4', { expected: 'channels', given: '[]' });
    const shape = order.map((d) => x.shape[d]);
    const ownType = order.length === 4 ? (type ?? 'f32') : 'f32';
    if (layout === 'dense') return [{ shape, layout, type: 'f32' }];
    return [{ shape, layout, type: x.layout === 'nhwc4' ? x.type : ownType }];
  },
  flops: () => 0,
  lower({ inputs: [x], outputs: [y], attributes: { order } }, context) {
    dispatchWalk(context, y, { kernel: rearrange, inputs: { x: { tensor: x, along: order } } });
  },
};

/**
 * Adds a change of the order of dimensions, of the layout, or of both. The order [0, 3, 1, 2] makes PyTorch's [n, c, h, w] of an image
 * [n, h, w, c]; the order [0, 2, 3, 1] with the layout nhwc4 makes the image again.
 */
export function permute(g: GraphBuilder, x: Tensor, order: readonly number[], layout: Layout = 'dense', name?: string) {
  if (layout === x.layout && order.length === x.shape.length && order.every((d, i) => d === i)) return x;
  const type = layout === 'nhwc4' && x.layout === 'dense' && g.type === 'f16' ? { type: g.type } : {};
  return g.apply(forward, plain(g, [x]), { order, layout, ...type }, name);
}

export const reference: Reference<PermuteAttributes, typeof INPUTS> = (
  [x],
  { inputs: [tensor], outputs: [y], attributes: { order } },
) => [Float64Array.from(walkIndices(y.shape, { tensor, along: order }), (place) => x[place])];

export const gradient: Gradient<PermuteAttributes, typeof INPUTS> = (g, node, [dy]) => {
  const [x] = node.inputs;
  const { order } = node.attributes;
  const back = order.map((_, d) => order.indexOf(d));
  const name = `${node.outputs[0].name}/gradient`;
  const type = x.layout === 'nhwc4' && x.type === 'f16' ? { type: x.type } : {};
  return [g.apply(forward, [dy], { order: back, layout: x.layout, ...type }, name)];
};

const caseOf = (
  shape: readonly number[],
  from: Layout,
  order: readonly number[],
  to: Layout,
): Case<PermuteAttributes> => ({
  inputs: [{ shape, layout: from }],
  attributes: { order, layout: to },
});

export const cases = (): Case<PermuteAttributes>[] => [
  caseOf([], 'dense', [], 'dense'),
  caseOf([1, 1, 1, 1], 'nhwc4', [0, 1, 2, 3], 'dense'),
  caseOf([2, 5, 3, 7], 'nhwc4', [0, 3, 1, 2], 'dense'),
  caseOf([2, 7, 5, 3], 'dense', [0, 2, 3, 1], 'nhwc4'),
  caseOf([2, 5, 3, 8], 'nhwc4', [0, 2, 1, 3], 'nhwc4'),
  caseOf([2, 5, 3, 7], 'nhwc4', [3, 2, 1, 0], 'nhwc4'),
  caseOf([133, 3], 'dense', [1, 0], 'dense'),
  caseOf([3, 141, 2], 'dense', [2, 0, 1], 'dense'),
  caseOf([2, 3, 1, 4, 2, 5], 'dense', [5, 1, 4, 2, 0, 3], 'dense'),
  caseOf([3, 6], 'dense', [0, 1], 'nhwc4'),
  caseOf([3, 6], 'nhwc4', [1, 0], 'dense'),
];
