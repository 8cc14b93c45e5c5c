/** Pooling by p-norms: the p-th root of the sum of |x|ᵖ over a window. */

import { InputError } from '../../errors.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { checkOptions, optionKinds } from '../../options.js';
import { pad } from '../layers/pad.js';
import { forward as pooling } from '../layers/pool.js';
import { type Pair, pair, type Sides, sides, windowCounts } from '../windows.js';
import { binary } from './binary.js';
import { unary } from './unary.js';

/** Options of `lpPool`. Sizes are in pixels: one for both axes, or vertical and horizontal. */
export interface LpPoolOptions {
  /** Default 2. */
  p?: number;
  kernel: number | Pair;
  /** Default 1. */
  stride?: number | Pair;
  /** Steps between the pixels of a window. Default 1. */
  dilation?: number | Pair;
  padding?: number | Pair | Sides;
  ceilMode?: boolean;
  name?: string;
}

const OPTIONS = optionKinds<LpPoolOptions>({
  p: 'a number',
  kernel: 'a number or a list of numbers',
  stride: 'a number or a list of numbers',
  dilation: 'a number or a list of numbers',
  padding: 'a number or a list of numbers',
  ceilMode: 'true or false',
  name: 'a text',
});

/** Adds pooling by p-norms: (Σ |x|ᵖ)^(1/p) over windows of an image. x: [n, h, w, c] nhwc4. */
export function lpPool(g: GraphBuilder, x: Tensor, options: LpPoolOptions): Tensor {
  checkOptions('lpPool', options, OPTIONS);
  const { p = 2, kernel, stride = 1, dilation = 1, padding = 0, ceilMode = false, name } = options;
  if (!(p > 0) || !Number.isFinite(p)) throw new InputError('p', { expected: 'a number above 0', given: String(p) });
  const given = { kernel: pair(kernel), stride: pair(stride), dilation: pair(dilation) };
  const windows = { ...given, padding: sides(padding) };
  const counts = windowCounts(windows, [x.shape[1], x.shape[2]], ceilMode);
  // The sum over a window is the average times the size of the window. For that, padding has to count in the average, so zeros are added
  // explicitly, also where windows of ceil mode extend beyond the padding. Zeros do not change the sum.
  const [top, left, bottom, right] = windows.padding;
  const beyond = ([0, 1] as const).map((axis) => {
    const span = windows.dilation[axis] * (windows.kernel[axis] - 1) + 1;
    const end = (counts[axis] - 1) * windows.stride[axis] + span;
    return Math.max(0, end - (x.shape[1 + axis] + windows.padding[axis] + windows.padding[axis + 2]));
  });
  const around = pad(g, power(g, x, p), [top, left, bottom + beyond[0], right + beyond[1]]);
  const area = windows.kernel[0] * windows.kernel[1];
  const average = { ...given, padding: [0, 0, 0, 0], mode: 'average', ceilMode: false, countIncludePad: true } as const;
  const means = g.apply(pooling, [around], average);
  const sums = unary(g, means, { kind: 'line', a: area, b: 0 });
  if (p === 1) return sums;
  return p === 2 ? unary(g, sums, { kind: 'sqrt' }, name) : raised(g, sums, 1 / p, name);
}

/** |x|ᵖ */
function power(g: GraphBuilder, x: Tensor, p: number): Tensor {
  if (p === 2) return binary(g, x, x, 'mul');
  const size = unary(g, x, { kind: 'abs' });
  return p === 1 ? size : raised(g, size, p);
}

const raised = (g: GraphBuilder, x: Tensor, exponent: number, name?: string) =>
  binary(g, x, g.constant('exponent', { shape: [1], layout: 'dense', type: 'f32' }, [exponent]), 'pow', name);
