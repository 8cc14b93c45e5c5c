/**
 * Copies channels from one arrangement of segments to another: to plain channels, for operations that do not support holes between
 * segments, and back to segments with holes, for the gradients of these operations.
 */
import { InputError } from '../../errors.js';
import { compact as kernel } from '../../generated/kernels/compact.js';
import { createTensor, type GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, laneChannels, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';

export interface CompactAttributes {
  /** Widths of the segments of the result. Default: a single segment. */
  segments?: readonly number[];
}

const INPUTS = ['x'] as const;
export type CompactInputs = typeof INPUTS;

/** x: nhwc4 of any shape and segments. y: the same values in the requested segments. */
export const forward: Operation<CompactAttributes, typeof INPUTS> = {
  name: 'compact',
  inputs: INPUTS,
  infer([x], { segments }) {
    if (x.layout !== 'nhwc4') throw new InputError('input', { expected: 'nhwc4', given: x.layout });
    const { shape, layout, type } = x;
    if (segments && segments.reduce((sum, width) => sum + width, 0) !== channelCount(x)) {
      throw new InputError('segments', { expected: `${channelCount(x)} channels`, given: segments.join(' + ') });
    }
    return [{ shape, layout, type, ...(segments && segments.length > 1 ? { segments } : {}) }];
  },
  flops: () => 0,
  lower({ inputs: [x], outputs: [y] }, context) {
    dispatchGroups(context, y, { kernel, inputs: { x }, whole: [sourceLanes(x, y)] });
  },
};

const tables = new Map<string, Tensor>();

/**
 * A constant with, for each lane of `y`, the lane of `x` that has its channel; 0xffffffff in padding. `sourceOf` returns the channel of x
 * for a channel of y. `order` is a name for that order: tables with the same name and the same segments are one tensor.
 */
export function sourceLanes(x: Tensor, y: Tensor, order = '', sourceOf = (channel: number) => channel): Tensor {
  const key = `${segmentsOf(x)} in ${segmentsOf(y)}${order}`;
  let tensor = tables.get(key);
  if (!tensor) {
    const from = laneChannels(x);
    const lanes = Uint32Array.from(laneChannels(y), (channel) => (channel < 0 ? -1 : from.indexOf(sourceOf(channel))));
    const spec = { shape: [lanes.length], layout: 'dense', type: 'u32' } as const;
    tensor = createTensor(`sources of ${key}`, 'constant', spec, lanes);
    tables.set(key, tensor);
  }
  return tensor;
}

/** `x` with plain channels; `x` itself if they are plain already. */
export function compact(g: GraphBuilder, x: Tensor, name?: string): Tensor {
  return segmentsOf(x).length === 1 ? x : g.apply(forward, [x], {}, name);
}

/** `x` in the given segments; `x` itself if it has them already. */
export function withSegments(g: GraphBuilder, x: Tensor, segments: readonly number[], name?: string): Tensor {
  return segmentsOf(x).join() === segments.join() ? x : g.apply(forward, [x], { segments }, name);
}

export const reference: Reference<CompactAttributes, typeof INPUTS> = ([x]) => [x];

export const cases = (): Case<CompactAttributes>[] => [
  { inputs: [{ shape: [1, 1, 1, 1] }], attributes: {} },
  { inputs: [{ shape: [2, 3, 5, 11], segments: [3, 7, 1] }], attributes: {} },
  { inputs: [{ shape: [1, 133, 3, 14], segments: [1, 1, 6, 6] }], attributes: {} },
  { inputs: [{ shape: [3, 9], segments: [5, 4] }], attributes: {} },
  { inputs: [{ shape: [2, 3, 5, 11] }], attributes: { segments: [3, 7, 1] } },
  { inputs: [{ shape: [1, 4, 3, 14], segments: [1, 1, 6, 6] }], attributes: { segments: [6, 7, 1] } },
];
