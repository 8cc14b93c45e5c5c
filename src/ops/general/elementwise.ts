/** The parts that elementwise operations of several tensors share: the shape of the result, and the dispatch. */
import { InputError } from '../../errors.js';
import type { Kernel } from '../../gpu/wgsl.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Lowering } from '../../graph/ir/operation.js';
import { describeForm, type Tensor, type TensorSpec } from '../../graph/ir/tensor.js';
import { compact } from '../packing/compact.js';
import { broadcast, broadcastTo, checkWalked, dispatchWalk, walkIndices } from './walk.js';

/**
 * The form of the result. It is nhwc4 if one of the tensors is. That tensor must then have as many dimensions as the result, and the
 * dimensions of all tensors count as images, rows, columns and channels.
 */
export function elementwiseForm(tensors: readonly Tensor[]): TensorSpec {
  for (const tensor of tensors) checkWalked('elementwise operation of', tensor);
  const shape = tensors.map((tensor) => tensor.shape).reduce(broadcast);
  const maps = tensors.filter(({ layout }) => layout === 'nhwc4');
  const odd = maps.find((map) => map.shape.length !== shape.length);
  if (odd) {
    throw new InputError('nhwc4 with fewer dimensions than the result', {
      expected: `${shape.length} dimensions`,
      given: describeForm(odd),
      hint: 'make it dense first: permute',
    });
  }
  return { shape, layout: maps.length > 0 ? 'nhwc4' : 'dense', type: maps[0]?.type ?? 'f32' };
}

/**
 * Dispatches a kernel that computes each element of y from the corresponding element of each input. Inputs are given by their names in the
 * kernel.
 */
export function lowerElementwise(
  context: Lowering,
  y: Tensor,
  kernel: Kernel,
  inputs: Readonly<Record<string, Tensor>>,
  params: Readonly<Record<string, number>> = {},
): void {
  const rank = y.shape.length;
  const walked = Object.entries(inputs).map(([name, tensor]) => [name, broadcastTo(tensor, rank)]);
  dispatchWalk(context, y, { kernel, inputs: Object.fromEntries(walked), params });
}

/** For references: for each element of y, the index of the corresponding element of `tensor`. */
export const indicesFor = (tensor: Tensor, y: Tensor) => walkIndices(y.shape, broadcastTo(tensor, y.shape.length));

/** The inputs, copied without holes if they have any. */
export const plain = (g: GraphBuilder, tensors: readonly Tensor[]) =>
  tensors.map((tensor) => (tensor.layout === 'nhwc4' ? compact(g, tensor) : tensor));
