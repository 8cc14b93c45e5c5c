/** Packs convolution weights from PyTorch's OIHW order into the vec4 layout that the kernels read. */
import { pack_conv2d } from '../../generated/kernels/pack_conv2d.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import { laneChannels } from '../../graph/ir/tensor.js';
import { windowShape } from '../windows.js';
import { laneMap } from './pack_lanes.js';

export interface PackConv2dAttributes {
  /** Channel segments of the convolution's input, or of one convolution group of it if there are several. */
  segments: readonly number[];
  type: 'f32' | 'f16';
  /** Whether the packed weights lie in a texture. */
  isTexture?: true | undefined;
}

const INPUTS = ['weight'] as const;

export const forward: Operation<PackConv2dAttributes, typeof INPUTS> = {
  name: 'pack_conv2d',
  inputs: INPUTS,
  infer([weight], { segments, type, isTexture }) {
    const [outputs, , kernelHeight, kernelWidth] = windowShape(weight);
    const lanes = laneChannels({ ...weight, segments }).length;
    const shape = [kernelHeight, kernelWidth, lanes, Math.ceil(outputs / 4) * 4];
    return [{ shape, layout: 'dense', type, ...(isTexture ? { isTexture } : {}) }];
  },
  flops: () => 0,
  lower({ inputs: [weight], outputs: [packed], attributes: { segments, type } }, context) {
    const [outputs, inputs, kernelHeight, kernelWidth] = windowShape(weight);
    const [, , lanes, outLanes] = packed.shape;
    const kernel = kernelHeight * kernelWidth;
    context.dispatch({
      kernel: pack_conv2d,
      constants: { elem: type },
      bindings: [context.read(weight), context.read(laneMap(segments)), context.write(packed)],
      params: { outputs, inputs, kernel, in_lanes: lanes, out_groups: outLanes / 4 },
      workgroups: spread(Math.ceil((kernel * lanes * outLanes) / 4 / 64)),
    });
  },
};

export const reference: Reference<PackConv2dAttributes, typeof INPUTS> = ([weight], node) => {
  const [outputs, inputs, kernelHeight, kernelWidth] = windowShape(node.inputs[0]);
  const lanes = laneChannels({ ...node.inputs[0], segments: node.attributes.segments });
  const kernel = kernelHeight * kernelWidth;
  const outLanes = Math.ceil(outputs / 4) * 4;
  const packed = new Float64Array(kernel * lanes.length * outLanes);
  for (let tap = 0; tap < kernel; tap++) {
    lanes.forEach((input, lane) => {
      if (input < 0) return;
      for (let output = 0; output < outputs; output++) {
        packed[(tap * lanes.length + lane) * outLanes + output] = weight[(output * inputs + input) * kernel + tap];
      }
    });
  }
  return [packed];
};

export const cases = (): Case<PackConv2dAttributes>[] => [
  { inputs: [{ shape: [5, 3, 3, 3], layout: 'dense' }], attributes: { segments: [3], type: 'f32' } },
  { inputs: [{ shape: [8, 11, 1, 2], layout: 'dense' }], attributes: { segments: [3, 7, 1], type: 'f32' } },
  { inputs: [{ shape: [6, 11], layout: 'dense' }], attributes: { segments: [3, 7, 1], type: 'f32' } },
  { inputs: [{ shape: [7, 5, 1, 1], layout: 'dense' }], attributes: { segments: [5], type: 'f16' } },
];
