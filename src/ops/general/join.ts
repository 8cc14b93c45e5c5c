/** Concatenation along any dimension. For channels of images, `concat` is faster, because it copies nothing. */
import { InputError } from '../../errors.js';
import { rearrange } from '../../generated/kernels/rearrange.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { type Case, type Gradient, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { describeForm, elementCount, product, type Tensor } from '../../graph/ir/tensor.js';
import { concat } from '../layers/concat.js';
import { sliceAxis } from './along_axis.js';
import { plain } from './elementwise.js';
import { checkAxes } from './reduce.js';
import { checkWalked, offsetOf, paddedShape, stepOf, walkTable } from './walk.js';

export interface JoinAttributes {
  axis: number;
}

const INPUTS = ['x...'] as const;

/**
 * Inputs: of one layout and type, and of the same shape except along the axis, which cannot be the channels of nhwc4. y: of the same layout
 * and type.
 */
export const forward: Operation<JoinAttributes, typeof INPUTS> = {
  name: 'join',
  inputs: INPUTS,
  infer(parts, { axis }) {
    const [first] = parts;
    for (const part of parts) {
      checkWalked('joining of', part);
      checkAxes([axis], part);
      const same = { ...part, shape: part.shape.with(axis, first.shape[axis]) };
      if (describeForm(same) !== describeForm(first)) {
        throw new InputError('parts differ', { expected: describeForm(first), given: describeForm(part) });
      }
    }
    if (first.layout === 'nhwc4' && axis === first.shape.length - 1) {
      throw new InputError('channels of nhwc4', { expected: 'another dimension', hint: 'use concat' });
    }
    const size = parts.reduce((sum, { shape }) => sum + shape[axis], 0);
    return [{ shape: first.shape.with(axis, size), layout: first.layout, type: first.type }];
  },
  flops: () => 0,
  lower({ inputs: parts, outputs: [y], attributes: { axis } }, context) {
    let before = 0;
    for (const part of parts) {
      const [input, output] = [context.read(part), context.write(y)];
      const sizes = paddedShape(part);
      const steps = [sizes.map((_, d) => stepOf(part, input, d)), sizes.map((_, d) => stepOf(y, output, d))];
      const table = walkTable(sizes, steps);
      const lanes = sizes[sizes.length - 1];
      context.dispatch({
        kernel: rearrange,
        constants: { elem: y.type, x_elem: part.type, TENSORS: 2 },
        bindings: [input, context.read(table), output],
        params: {
          count: product(sizes),
          rank: table.shape[0],
          x_offset: offsetOf(part, input),
          y_offset: offsetOf(y, output) + before * steps[1][axis],
          lanes,
          channels: lanes, // padding lanes are copied too
        },
        workgroups: spread(Math.ceil(product(sizes) / 64)),
      });
      before += part.shape[axis];
    }
  },
};

/** Adds a concatenation along a dimension. */
export function join(g: GraphBuilder, parts: readonly Tensor[], axis: number, name?: string): Tensor {
  const [first] = parts;
  if (first.layout === 'nhwc4' && axis === first.shape.length - 1) return concat(g, parts, name);
  return parts.length === 1 ? first : g.apply(forward, plain(g, parts), { axis }, name);
}

export const reference: Reference<JoinAttributes, typeof INPUTS> = (values, { inputs, outputs: [y], attributes }) => {
  const { axis } = attributes;
  const inner = product(y.shape.slice(axis + 1));
  const result = new Float64Array(elementCount(y));
  const row = y.shape[axis] * inner;
  let before = 0;
  for (const [index, part] of inputs.entries()) {
    const own = part.shape[axis] * inner;
    for (let at = 0, to = before; at < values[index].length; at += own, to += row) {
      result.set(values[index].subarray(at, at + own), to);
    }
    before += own;
  }
  return [result];
};

export const gradient: Gradient<JoinAttributes, typeof INPUTS> = (g, { inputs, attributes: { axis } }, [dy]) => {
  let start = 0;
  return inputs.map((part) => {
    const end = start + part.shape[axis];
    const own = sliceAxis(g, dy, axis, { start, end });
    start = end;
    return own;
  });
};

const parts = (layout: 'nhwc4' | 'dense', ...shapes: number[][]) => shapes.map((shape) => ({ shape, layout }));

export const cases = (): Case<JoinAttributes>[] => [
  { inputs: parts('dense', [1], [3], [2]), attributes: { axis: 0 } },
  { inputs: parts('dense', [2, 3, 5], [2, 133, 5], [2, 1, 5]), attributes: { axis: 1 } },
  { inputs: parts('dense', [3, 1, 2, 2, 1, 4], [3, 1, 2, 2, 1, 3]), attributes: { axis: 5 } },
  { inputs: parts('nhwc4', [2, 3, 5, 7], [2, 1, 5, 7]), attributes: { axis: 1 } },
  { inputs: parts('nhwc4', [2, 3, 1, 6], [2, 3, 4, 6], [2, 3, 2, 6]), attributes: { axis: 2 } },
  { inputs: parts('nhwc4', [1, 3, 2, 3], [2, 3, 2, 3]), attributes: { axis: 0 } },
];
