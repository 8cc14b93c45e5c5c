/**
 * Puts channels into another order, so that each group of a convolution reads channels from all groups of the convolution before it
 * (ShuffleNet, Zhang et al. 2018, section 3.1). The channels are seen as a table with a row for each group, and read column by column, as
 * in PyTorch's ChannelShuffle.
 */
import { InputError } from '../../errors.js';
import { compact as kernel } from '../../generated/kernels/compact.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { channelCount, describeForm, type Tensor } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { sourceLanes } from '../packing/compact.js';

export interface ChannelShuffleAttributes {
  /** Rows of the table. */
  groups: number;
}

/** The channel of x that becomes a given channel of y. */
const sourceOf = (place: number, channels: number, groups: number) =>
  (place % groups) * (channels / groups) + Math.floor(place / groups);

const INPUTS = ['x'] as const;
export type ChannelShuffleInputs = typeof INPUTS;

/** x: nhwc4 of any segments. y: of the same shape, without holes. */
export const forward: Operation<ChannelShuffleAttributes, typeof INPUTS> = {
  name: 'channel_shuffle',
  inputs: INPUTS,
  infer([x], { groups }) {
    const { shape, layout, type } = x;
    if (layout !== 'nhwc4') throw new InputError('input', { expected: 'nhwc4', given: describeForm(x) });
    if (!(Number.isInteger(groups) && groups >= 1 && channelCount(x) % groups === 0)) {
      throw new InputError('groups', { expected: `a divisor of ${channelCount(x)} channels`, given: String(groups) });
    }
    return [{ shape, layout, type }];
  },
  flops: () => 0,
  lower({ inputs: [x], outputs: [y], attributes: { groups } }, context) {
    const source = (place: number) => sourceOf(place, channelCount(y), groups);
    dispatchGroups(context, y, {
      kernel,
      inputs: { x },
      whole: [sourceLanes(x, y, ` shuffled by ${groups}`, source)],
    });
  },
};

/** Adds a channel shuffle. x: [n, h, w, c] nhwc4 with c a multiple of `groups`. Result: shape of x. */
export function channelShuffle(g: GraphBuilder, x: Tensor, groups: number, name?: string): Tensor {
  return g.apply(forward, [x], { groups }, name);
}

export const reference: Reference<ChannelShuffleAttributes, typeof INPUTS> = (
  [x],
  { outputs: [y], attributes: { groups } },
) => {
  const channels = channelCount(y);
  return [x.map((_, i) => x[i - (i % channels) + sourceOf(i % channels, channels, groups)])];
};

export const cases = (): Case<ChannelShuffleAttributes>[] => [
  { inputs: [{ shape: [1, 1, 1, 1] }], attributes: { groups: 1 } },
  { inputs: [{ shape: [2, 3, 5, 6] }], attributes: { groups: 2 } },
  { inputs: [{ shape: [2, 3, 5, 6] }], attributes: { groups: 3 } },
  { inputs: [{ shape: [1, 3, 5, 7] }], attributes: { groups: 7 } },
  { inputs: [{ shape: [2, 2, 5, 10], segments: [5, 5] }], attributes: { groups: 2 } },
  { inputs: [{ shape: [1, 133, 3, 12], segments: [3, 7, 2] }], attributes: { groups: 4 } },
  { inputs: [{ shape: [1, 28, 28, 116], segments: [58, 58] }], attributes: { groups: 2 }, bench: true },
];
