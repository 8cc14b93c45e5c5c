/** Copies channel values (a bias, or rows of scale and shift) to the physical lanes of an nhwc4 pixel. */
import { pack_lanes } from '../../generated/kernels/pack_lanes.js';
import { createTensor } from '../../graph/ir/graph.js';
import type { Case, Lowering, Operation, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { channelCount, laneChannels, type Tensor, type TensorSpec } from '../../graph/ir/tensor.js';

export interface PackLanesAttributes {
  /** Widths of the channel segments. Each is padded to whole vec4s. */
  segments: readonly number[];
}

const laneMaps = new Map<string, Tensor>();

/** The logical channel in each physical lane as a constant, 0xffffffff in padding. */
export function laneMap(segments: readonly number[]): Tensor {
  const key = segments.join();
  let tensor = laneMaps.get(key);
  if (!tensor) {
    const channels = segments.reduce((sum, width) => sum + width, 0);
    const lanes = laneChannels({ shape: [channels], layout: 'nhwc4', type: 'f32', segments });
    const spec: TensorSpec = { shape: [lanes.length], layout: 'dense', type: 'u32' };
    tensor = createTensor(`lanes of ${key}`, 'constant', spec, Uint32Array.from(lanes));
    laneMaps.set(key, tensor);
  }
  return tensor;
}

const channelMaps = new Map<string, Tensor>();

/** The inverse: the physical lane of each logical channel, as a constant. */
export function channelLanes(segments: readonly number[]): Tensor {
  const key = segments.join();
  let tensor = channelMaps.get(key);
  if (!tensor) {
    const channels = segments.reduce((sum, width) => sum + width, 0);
    const lanes = new Uint32Array(channels);
    laneChannels({ shape: [channels], layout: 'nhwc4', type: 'f32', segments }).forEach((channel, lane) => {
      if (channel >= 0) lanes[channel] = lane;
    });
    tensor = createTensor(`channels of ${key}`, 'constant', { shape: [channels], layout: 'dense', type: 'u32' }, lanes);
    channelMaps.set(key, tensor);
  }
  return tensor;
}

const INPUTS = ['values'] as const;

export const forward: Operation<PackLanesAttributes, typeof INPUTS> = {
  name: 'pack_lanes',
  inputs: INPUTS,
  infer([values], { segments }) {
    const lanes = laneChannels({ ...values, segments }).length;
    return [{ shape: [...values.shape.slice(0, -1), lanes], layout: 'dense', type: 'f32' }];
  },
  flops: () => 0,
  lower({ inputs: [values], outputs: [packed], attributes: { segments } }, context) {
    const channels = channelCount(values);
    const lanes = channelCount(packed);
    const rows = packed.shape.slice(0, -1).reduce((all, one) => all * one, 1);
    context.dispatch({
      kernel: pack_lanes,
      constants: {},
      bindings: [context.read(values), context.read(laneMap(segments)), context.write(packed)],
      params: { rows, channels, lane_count: lanes },
      workgroups: spread(Math.ceil((rows * lanes) / 64)),
    });
  },
};

/** Derives the packed form of channel values. */
export function packLanes(context: Lowering, values: Tensor, segments: readonly number[]): Tensor {
  return context.derive(forward, [values], { segments });
}

export const reference: Reference<PackLanesAttributes, typeof INPUTS> = ([values], node) => {
  const lanes = laneChannels({ ...node.inputs[0], segments: node.attributes.segments });
  const channels = channelCount(node.inputs[0]);
  const rows = values.length / channels;
  const packed = new Float64Array(rows * lanes.length);
  for (let row = 0; row < rows; row++) {
    lanes.forEach((channel, lane) => {
      if (channel >= 0) packed[row * lanes.length + lane] = values[row * channels + channel];
    });
  }
  return [packed];
};

export const cases = (): Case<PackLanesAttributes>[] => [
  { inputs: [{ shape: [5], layout: 'dense' }], attributes: { segments: [5] } },
  { inputs: [{ shape: [2, 11], layout: 'dense' }], attributes: { segments: [3, 7, 1] } },
  { inputs: [{ shape: [64], layout: 'dense' }], attributes: { segments: [64] } },
];
