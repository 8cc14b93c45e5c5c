/** A batch norm with fixed statistics as a scale and a shift for each physical lane, which kernels apply to an nhwc4 pixel. */
import { pack_affine } from '../../generated/kernels/pack_affine.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { elementCount, laneChannels } from '../../graph/ir/tensor.js';
import { scaleAndShift } from './fold_conv2d.js';
import { laneMap } from './pack_lanes.js';

export interface PackAffineAttributes {
  epsilon: number;
  /** Channel segments of the tensor that the affine map is for. */
  segments: readonly number[];
}

const INPUTS = ['gamma', 'beta', 'mean', 'variance'] as const;

/** Inputs: γ, β, μ, σ² of [channels]. Output: [2, lanes], scale then shift, zero in padding. */
export const forward: Operation<PackAffineAttributes, typeof INPUTS> = {
  name: 'pack_affine',
  inputs: INPUTS,
  infer([gamma], { segments }) {
    return [{ shape: [2, laneChannels({ ...gamma, segments }).length], layout: 'dense', type: 'f32' }];
  },
  flops: ({ outputs: [packed] }) => elementCount(packed),
  lower({ inputs, outputs: [packed], attributes: { epsilon, segments } }, context) {
    const lanes = packed.shape[1];
    context.dispatch({
      kernel: pack_affine,
      constants: {},
      bindings: [
        ...inputs.map((tensor) => context.read(tensor)),
        context.read(laneMap(segments)),
        context.write(packed),
      ],
      params: { lane_count: lanes, channels: elementCount(inputs[0]), epsilon },
      workgroups: spread(Math.ceil(lanes / 64)),
    });
  },
};

export const reference: Reference<PackAffineAttributes, typeof INPUTS> = (
  statistics,
  { inputs, attributes: { epsilon, segments } },
) => {
  const { scale, shift } = scaleAndShift(statistics, epsilon);
  const lanes = laneChannels({ ...inputs[0], segments });
  const packed = new Float64Array(2 * lanes.length);
  lanes.forEach((channel, lane) => {
    if (channel < 0) return;
    packed[lane] = scale[channel];
    packed[lanes.length + lane] = shift[channel];
  });
  return [packed];
};

export const cases = (): Case<PackAffineAttributes>[] =>
  [[7], [3, 7, 1], [64]].map((segments) => {
    const channels = segments.reduce((sum, width) => sum + width, 0);
    const vector = { shape: [channels], layout: 'dense' as const };
    return {
      inputs: [vector, vector, vector, { ...vector, fill: 'positive' }],
      attributes: { epsilon: 1e-5, segments },
    };
  });
