/** Rounds convolution weights to 8-bit integers and packs them from PyTorch's OIHW order into what `conv2d_int8` reads. */
import { pack_int8 } from '../../generated/kernels/pack_int8.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { channelCount, laneChannels } from '../../graph/ir/tensor.js';
import { windowShape } from '../windows.js';
import { quantizeWeights, wholeWeights } from './int8.reference.js';
import { laneMap } from './pack_lanes.js';

export interface PackInt8Attributes {
  /** Channel segments of the convolution's input. */
  segments: readonly number[];
}

const INPUTS = ['weight', 'scales'] as const;

/** The result is [kernelHeight, kernelWidth, chunks of 16 input lanes, output lanes · 4 words]. */
export const forward: Operation<PackInt8Attributes, typeof INPUTS> = {
  name: 'pack_int8',
  inputs: INPUTS,
  infer([weight, scales], { segments }) {
    const [, , kernelHeight, kernelWidth] = windowShape(weight);
    const { length } = laneChannels({ ...weight, segments });
    const shape = [kernelHeight, kernelWidth, Math.ceil(length / 16), channelCount(scales) * 4];
    return [{ shape, layout: 'dense', type: 'u32' }];
  },
  flops: () => 0,
  lower({ inputs: [weight, scales], outputs: [packed], attributes: { segments } }, context) {
    const [outputs, inputs, kernelHeight, kernelWidth] = windowShape(weight);
    const [, , chunks] = packed.shape;
    const lanes = laneMap(segments);
    const [kernel, outLanes] = [kernelHeight * kernelWidth, channelCount(scales)];
    context.dispatch({
      kernel: pack_int8,
      constants: {},
      bindings: [context.read(weight), context.read(scales), context.read(lanes), context.write(packed)],
      params: { outputs, inputs, kernel, in_lanes: channelCount(lanes), chunks, out_lanes: outLanes },
      workgroups: spread(Math.ceil((kernel * chunks * outLanes) / 64)),
    });
  },
};

export const reference: Reference<PackInt8Attributes, typeof INPUTS> = ([weight, scales], node) => {
  const [tensor] = node.inputs;
  const [outputs, inputs, kernelHeight, kernelWidth] = windowShape(tensor);
  const lanes = laneChannels({ ...tensor, segments: node.attributes.segments });
  const [kernel, chunks, outLanes] = [kernelHeight * kernelWidth, Math.ceil(lanes.length / 16), scales.length / 3];
  const { integers } = quantizeWeights(weight, outputs);
  const bytes = new Uint8Array(kernel * chunks * outLanes * 16);
  for (let tap = 0; tap < kernel; tap++) {
    lanes.forEach((input, lane) => {
      if (input < 0) return;
      const chunk = Math.floor(lane / 16);
      for (let output = 0; output < outputs; output++) {
        bytes[((tap * chunks + chunk) * outLanes + output) * 16 + (lane % 16)] =
          integers[(output * inputs + input) * kernel + tap];
      }
    });
  }
  const view = new DataView(bytes.buffer);
  return [Float64Array.from({ length: bytes.length / 4 }, (_, word) => view.getUint32(word * 4, true))];
};

/** The scales of `wholeWeights`. */
const ones = (outputs: number) => {
  const lanes = Math.ceil(outputs / 4) * 4;
  return { shape: [3, lanes], layout: 'dense', fill: () => 1 } as const;
};

const of = (shape: number[], segments: number[]): Case<PackInt8Attributes> => {
  const count = shape.slice(1).reduce((all, one) => all * one, 1);
  return {
    inputs: [{ shape, layout: 'dense', fill: wholeWeights(count) }, ones(shape[0])],
    attributes: { segments },
    exact: true,
  };
};

export const cases = (): Case<PackInt8Attributes>[] => [
  of([5, 3, 3, 3], [3]),
  of([8, 11, 1, 2], [3, 7, 1]),
  of([6, 40], [40]),
  of([7, 21, 3, 3], [21]),
];
