/** Transforms the 3×3 filters of a convolution for Winograd's method, and packs them as its kernels read them. */
import { pack_winograd } from '../../generated/kernels/pack_winograd.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { laneChannels } from '../../graph/ir/tensor.js';
import { laneMap } from './pack_lanes.js';

export interface PackWinogradAttributes {
  /** Channel segments of the convolution's input. */
  segments: readonly number[];
  /** Output pixels along a side of a tile. */
  tile: 2 | 4;
  /** Whether the packed weights lie in a texture. */
  isTexture?: true | undefined;
}

const INPUTS = ['weight'] as const;

/** weight: [outputs, inputs, 3, 3]. packed: [(tile + 2)², physical input lanes, outputs padded to whole vec4s], f32 always. */
export const forward: Operation<PackWinogradAttributes, typeof INPUTS> = {
  name: 'pack_winograd',
  inputs: INPUTS,
  infer([weight], { segments, tile, isTexture }) {
    const lanes = laneChannels({ ...weight, segments }).length;
    const shape = [(tile + 2) ** 2, lanes, Math.ceil(weight.shape[0] / 4) * 4];
    return [{ shape, layout: 'dense', type: 'f32', ...(isTexture ? { isTexture } : {}) }];
  },
  flops: () => 0,
  lower({ inputs: [weight], outputs: [packed], attributes: { segments, tile } }, context) {
    const [outputs, inputs] = weight.shape;
    const [, lanes, outLanes] = packed.shape;
    context.dispatch({
      kernel: pack_winograd,
      constants: { TILE: tile, FOUR: tile === 4 },
      bindings: [context.read(weight), context.read(laneMap(segments)), context.write(packed)],
      params: { outputs, inputs, in_lanes: lanes, out_lanes: outLanes },
      workgroups: spread(Math.ceil((lanes * outLanes) / 64)),
    });
  },
};

/** The matrix G by the size of a tile (Lavin and Gray 2016). */
const FILTER_TRANSFORMS = {
  2: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  4: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
} as const;

export const reference: Reference<PackWinogradAttributes, typeof INPUTS> = ([weight], node) => {
  const { segments, tile } = node.attributes;
  const [outputs, inputs] = node.inputs[0].shape;
  const lanes = laneChannels({ ...node.inputs[0], segments });
  const transform = FILTER_TRANSFORMS[tile];
  const side = tile + 2;
  const outLanes = Math.ceil(outputs / 4) * 4;
  const packed = new Float64Array(side * side * lanes.length * outLanes);
  for (let k = 0; k < side * side; k++) {
    const [down, across] = [transform[Math.floor(k / side)], transform[k % side]];
    lanes.forEach((input, lane) => {
      if (input < 0) return;
      for (let output = 0; output < outputs; output++) {
        const first = (output * inputs + input) * 9;
        let sum = 0;
        for (let tap = 0; tap < 9; tap++) sum += down[Math.floor(tap / 3)] * weight[first + tap] * across[tap % 3];
        packed[(k * lanes.length + lane) * outLanes + output] = sum;
      }
    });
  }
  return [packed];
};

export const cases = (): Case<PackWinogradAttributes>[] =>
  ([2, 4] as const).flatMap((tile) => [
    { inputs: [{ shape: [5, 3, 3, 3], layout: 'dense' }], attributes: { segments: [3], tile } },
    { inputs: [{ shape: [8, 11, 3, 3], layout: 'dense' }], attributes: { segments: [3, 7, 1], tile } },
  ]);
