/** Copies channels that lie in segments with holes between them into plain ones, for operations that cannot take holes. */
import { InputError } from '../errors.js';
import { compact as kernel } from '../generated/kernels.js';
import { createTensor, type GraphBuilder } from '../graph/graph.js';
import { dispatchGroups } from '../graph/groups.js';
import type { Case, Operation, Reference } from '../graph/operation.js';
import { groupCount, laneChannels, segmentsOf, type Tensor, type TensorSpec } from '../graph/tensor.js';

/** x: nhwc4 of any shape and segments. y: the same values in one segment. */
export const forward: Operation = {
  name: 'compact',
  infer([x]) {
    if (x!.layout !== 'nhwc4') throw new InputError('input', { expected: 'nhwc4', given: x!.layout });
    const { shape, layout, type } = x!;
    return [{ shape, layout, type }];
  },
  flops: () => 0,
  lower({ inputs: [x], outputs: [y] }, context) {
    dispatchGroups(context, y, { kernel, inputs: { x }, whole: [sourceLanes(x!)] });
  },
};

const sources = new Map<string, Tensor>();

// For each lane of plain channels the lane of `x` that holds the same channel, 0xffffffff in padding.
function sourceLanes(x: Tensor): Tensor {
  const key = segmentsOf(x).join();
  let tensor = sources.get(key);
  if (!tensor) {
    const lanes = new Uint32Array(groupCount({ ...x, segments: undefined } as TensorSpec) * 4).fill(0xffffffff);
    laneChannels(x).forEach((channel, lane) => {
      if (channel >= 0) lanes[channel] = lane;
    });
    tensor = createTensor(
      `sources of ${key}`,
      'constant',
      { shape: [lanes.length], layout: 'dense', type: 'u32' },
      lanes,
    );
    sources.set(key, tensor);
  }
  return tensor;
}

/** `x` itself where its channels are already plain. */
export function compact(g: GraphBuilder, x: Tensor, name?: string): Tensor {
  return segmentsOf(x).length === 1 ? x : g.apply(forward, [x], {}, name);
}

export const reference: Reference = ([x]) => [x!];

export const cases: Case[] = [
  { inputs: [{ shape: [1, 1, 1, 1] }], attributes: {} },
  { inputs: [{ shape: [2, 3, 5, 11], segments: [3, 7, 1] }], attributes: {} },
  { inputs: [{ shape: [1, 133, 3, 14], segments: [1, 1, 6, 6] }], attributes: {} },
  { inputs: [{ shape: [3, 9], segments: [5, 4] }], attributes: {} },
];
