/**
 * A convolution whose sums over input channels and taps are split among workgroups: for deep, small maps, which have too few outputs to keep
 * a large GPU busy. A second kernel adds the parts in order, so that the bits are the same in every run.
 */
import { conv2d_merge } from '../../generated/kernels/conv2d_merge.js';
import type { Node } from '../../graph/ir/graph.js';
import { type Dispatch, type Lowering, spread } from '../../graph/ir/operation.js';
import { groupCount, pixelCount } from '../../graph/ir/tensor.js';
import { type Conv2dAttributes, type Conv2dInputs, geometry } from './conv2d.attributes.js';

/** About two workgroups for each multiprocessor of a large GPU. */
const WANTED = 256;
/** The least vec4s of input for a part. With fewer, reading and writing the parts would outweigh what is won. */
const LEAST = 32;

/** Into how many parts the sums of a convolution are split whose workgroups own this many pixels and vec4s; below 2 if they should not be. */
export function splitsOf(node: Node<Conv2dAttributes, Conv2dInputs>, tile: readonly [pixels: number, vectors: number]) {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const { kernelHeight, kernelWidth } = geometry(node);
  const tiles = Math.ceil(pixelCount(y) / tile[0]) * Math.ceil(groupCount(y) / tile[1]);
  const terms = kernelHeight * kernelWidth * groupCount(x);
  return Math.min(Math.ceil(WANTED / tiles), Math.floor(terms / LEAST), 32);
}

/** Adds the two dispatches that compute in parts what `whole` would. */
export function dispatchSplit(context: Lowering, splits: number, whole: Dispatch): void {
  const { constants, bindings, workgroups } = whole;
  const [input, weights, bias, residual, affine, output] = bindings;
  const none = context.read(undefined);
  const { count, out_groups: outGroups } = whole.params;
  const params = { ...whole.params, splits };
  const spec = { shape: [splits, 1, count, outGroups * 4], layout: 'nhwc4', type: 'f32' } as const;
  const partial = context.scratch('partial sums', spec);
  context.dispatch({
    ...whole,
    constants: { ...constants, BIAS: false, RESIDUAL: false, ACTIVATION: 0, SPLIT: true },
    bindings: [input, weights, none, none, affine, context.write(partial)],
    params,
    workgroups: [workgroups[0] * splits, workgroups[1], workgroups[2]],
  });
  const { elem, BIAS, RESIDUAL, ACTIVATION } = constants;
  context.dispatch({
    kernel: conv2d_merge,
    constants: { elem, BIAS, RESIDUAL, ACTIVATION },
    bindings: [context.read(partial), none, bias, residual, none, output],
    params,
    workgroups: spread(Math.ceil((count * outGroups) / 64)),
    flops: splits * count * outGroups * 4,
  });
}
