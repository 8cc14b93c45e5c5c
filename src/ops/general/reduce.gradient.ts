/** Backward pass of reductions. This file compiles only if every kind has a row. */
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Gradient } from '../../graph/ir/operation.js';
import { product, type Tensor } from '../../graph/ir/tensor.js';
import { binary } from './binary.js';
import { compare } from './compare.js';
import { expand } from './expand.js';
import { permute } from './permute.js';
import { type ReduceAttributes, type ReduceInputs, reduce } from './reduce.js';
import { reshape } from './reshape.js';
import { unary } from './unary.js';

/** The gradient with respect to x. A row repeats y and dy to the shape of x where it needs that. */
type Slope = (g: GraphBuilder, dy: Tensor, x: Tensor, y: Tensor, terms: number) => Tensor;

const times = (g: GraphBuilder, a: Tensor, b: Tensor) => binary(g, a, b, 'mul');
const over = (g: GraphBuilder, a: Tensor, b: Tensor) => binary(g, a, b, 'div');
const multiple = (g: GraphBuilder, x: Tensor, a: number) => unary(g, x, { kind: 'line', a, b: 0 });
const exponential = (g: GraphBuilder, x: Tensor) => unary(g, x, { kind: 'exp' });
const likeX: Slope = (g, dy, x) => expand(g, dy, x.shape);

/** If several numbers are the extreme, they share the gradient equally, as in PyTorch's amax. */
function extremeSlope(g: GraphBuilder, dy: Tensor, x: Tensor, y: Tensor): Tensor {
  const chosen = compare(g, x, y, 'equal');
  const axes = x.shape.flatMap((size, d) => (y.shape[d] === size ? [] : [d]));
  const count = axes.length > 0 ? reduce(g, chosen, { kind: 'sum', axes }) : chosen;
  return times(g, chosen, binary(g, dy, count, 'div'));
}

const SLOPES: Readonly<Record<ReduceAttributes['kind'], Slope>> = {
  sum: likeX,
  mean: (g, dy, x, y, terms) => likeX(g, multiple(g, dy, 1 / terms), x, y, terms),
  max: extremeSlope,
  min: extremeSlope,
  // If a factor is 0, y / x is 0 / 0, so the gradient is NaN.
  prod: (g, dy, x, y) => over(g, times(g, dy, y), x),
  l1: (g, dy, x) => times(g, unary(g, x, { kind: 'sign' }), dy),
  l2: (g, dy, x, y) => times(g, x, over(g, dy, y)),
  log_sum: (g, dy, x, y, terms) => likeX(g, over(g, dy, exponential(g, y)), x, y, terms),
  log_sum_exp: (g, dy, x, y) => times(g, exponential(g, binary(g, x, y, 'sub')), dy),
  sum_square: (g, dy, x) => times(g, x, multiple(g, dy, 2)),
};

export const gradient: Gradient<ReduceAttributes, ReduceInputs> = (g, node, [dy]) => {
  const { kind, axes, keepDims } = node.attributes;
  const [x] = node.inputs;
  // The result with the merged dimensions (of size 1) and in the layout of x, so that it can be repeated to the shape of x.
  const kept = (tensor: Tensor) => {
    if (keepDims) return tensor;
    const shape = x.shape.map((size, d) => (axes.includes(d) ? 1 : size));
    const dense = reshape(g, tensor, shape);
    return x.layout === 'dense'
      ? dense
      : permute(
          g,
          dense,
          shape.map((_, d) => d),
          'nhwc4',
        );
  };
  const terms = product(axes.map((axis) => x.shape[axis]));
  return [SLOPES[kind](g, kept(dy), x, kept(node.outputs[0]), terms)];
};
