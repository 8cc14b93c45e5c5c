/** The gradient of a repetition: a sum over the dimensions that were repeated. */
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { describeForm, elementCount, type Tensor } from '../../graph/ir/tensor.js';
import { permute } from './permute.js';
import { reduce } from './reduce.js';
import { reshape } from './reshape.js';

/** The sums of `x` over the dimensions along which `target` was repeated to its shape, in the form of `target`. */
export function sumTo(g: GraphBuilder, x: Tensor, target: Tensor): Tensor {
  if (describeForm(x) === describeForm(target)) return x;
  const before = x.shape.length - target.shape.length;
  const repeated = x.shape.flatMap((size, d) => (size !== (target.shape[d - before] ?? 1) ? [d] : []));
  const summed = repeated.length > 0 ? reduce(g, x, { kind: 'sum', axes: repeated }) : x;
  if (describeForm(summed) === describeForm(target)) return summed;
  const flat =
    summed.layout === 'nhwc4'
      ? permute(
          g,
          summed,
          summed.shape.map((_, d) => d),
        )
      : summed;
  return before > 0 ? reshape(g, flat, target.shape) : flat;
}

/** A constant zero that can be repeated to the shape of a tensor. */
export function zeroFor(g: GraphBuilder, { shape, layout, type }: Tensor): Tensor {
  const spec = { shape: shape.map(() => 1), layout, type };
  return g.constant('zero', spec, new Float32Array(elementCount(spec)));
}
