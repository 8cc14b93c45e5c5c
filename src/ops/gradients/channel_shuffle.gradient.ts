/** The gradient of a channel shuffle. */
import type { Gradient } from '../../graph/ir/operation.js';
import { channelCount, segmentsOf } from '../../graph/ir/tensor.js';
import { type ChannelShuffleAttributes, type ChannelShuffleInputs, channelShuffle } from '../layers/channel_shuffle.js';
import { withSegments } from '../packing/compact.js';

/** The gradient is shuffled back. The inverse of a shuffle is a shuffle with as many groups as a group had channels. */
export const gradient: Gradient<ChannelShuffleAttributes, ChannelShuffleInputs> = (
  g,
  { inputs: [x], outputs: [y], attributes },
  [dy],
) => {
  const back = channelShuffle(g, dy, channelCount(x) / attributes.groups, `${y.name}/gradient`);
  return [withSegments(g, back, segmentsOf(x), `${y.name}/gradient`)];
};
