/** The place of the largest or smallest number along a dimension. It has no gradient. */
import { arg_extreme as kernel } from '../../generated/kernels/arg_extreme.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { plain } from './elementwise.js';
import { checkAxes } from './reduce.js';
import { checkWalked, dispatchWalk, stepOf, walkIndices } from './walk.js';

/** What is looked for. */
export interface ArgExtremeAttributes {
  kind: 'max' | 'min';
  axis: number;
  /** Whether the dimension remains, with one element. */
  keepDims: boolean;
  /** If several numbers are the largest (or smallest): whether to take the place of the last one, instead of the first. */
  last: boolean;
}

const INPUTS = ['x'] as const;

/** x: dense, or nhwc4 without holes. y: places, counted from 0, as dense f32. */
export const forward: Operation<ArgExtremeAttributes, typeof INPUTS> = {
  name: 'arg_extreme',
  inputs: INPUTS,
  infer([x], { axis, keepDims }) {
    checkWalked('places in', x);
    checkAxes([axis], x);
    return [{ shape: x.shape.toSpliced(axis, 1, ...(keepDims ? [1] : [])), layout: 'dense', type: 'f32' }];
  },
  flops: ({ inputs: [x] }) => elementCount(x),
  lower({ inputs: [x], outputs: [y], attributes }, context) {
    const { kind, axis, last } = attributes;
    dispatchWalk(context, y, {
      kernel,
      inputs: { x: { tensor: x, along: keptAlong(x, attributes) } },
      params: {
        size: x.shape[axis],
        step: stepOf(x, context.read(x), axis),
        factor: kind === 'max' ? 1 : -1,
        last: last ? 1 : 0,
      },
    });
  },
};

const keptAlong = (x: Tensor, { axis, keepDims }: ArgExtremeAttributes) =>
  x.shape.flatMap((_, d) => (d !== axis ? [d] : keepDims ? [undefined] : []));

/**
 * Adds the place of the largest or smallest number along a dimension. By default the dimension remains, and of equal numbers the first
 * counts.
 */
export function argExtreme(
  g: GraphBuilder,
  x: Tensor,
  options: Pick<ArgExtremeAttributes, 'kind' | 'axis'> & Partial<ArgExtremeAttributes> & { name?: string },
): Tensor {
  const { kind, axis, keepDims = true, last = false, name } = options;
  return g.apply(forward, plain(g, [x]), { kind, axis, keepDims, last }, name);
}

export const reference: Reference<ArgExtremeAttributes, typeof INPUTS> = (
  [x],
  { inputs: [tensor], outputs, attributes },
) => {
  const { kind, axis, last } = attributes;
  const firsts = walkIndices(outputs[0].shape, { tensor, along: keptAlong(tensor, attributes) });
  const others = [...walkIndices([tensor.shape[axis]], { tensor, along: [axis] })];
  const found = (first: number) => {
    const values = others.map((other) => x[first + other]);
    const peak = values.reduce((a, b) => (kind === 'max' ? Math.max(a, b) : Math.min(a, b)));
    return last ? values.lastIndexOf(peak) : values.indexOf(peak);
  };
  return [Float64Array.from(firsts, found)];
};

const ties = (i: number) => (i * 5) % 7;
const plainCase = { kind: 'max', keepDims: true, last: false } as const;

export const cases = (): Case<ArgExtremeAttributes>[] => [
  { inputs: [{ shape: [1], layout: 'dense' }], attributes: { ...plainCase, axis: 0 }, exact: true },
  { inputs: [{ shape: [2, 3, 5, 7] }], attributes: { ...plainCase, axis: 3, keepDims: false }, exact: true },
  { inputs: [{ shape: [2, 3, 5, 7], fill: ties }], attributes: { ...plainCase, axis: 1 }, exact: true },
  {
    inputs: [{ shape: [2, 9, 3, 6], fill: ties }],
    attributes: { ...plainCase, kind: 'min', axis: 1, last: true },
    exact: true,
  },
  {
    inputs: [{ shape: [2, 133, 1, 2, 3], layout: 'dense', fill: ties }],
    attributes: { kind: 'max', axis: 1, keepDims: false, last: true },
    exact: true,
  },
];
