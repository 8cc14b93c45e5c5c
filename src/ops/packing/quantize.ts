/** Rounds activations to 8-bit integers for `conv2d_int8`, with a scale and a zero point for the whole tensor. */
import { InputError } from '../../errors.js';
import { quantize as kernel } from '../../generated/kernels/quantize.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, elementCount, groupCount, laneChannels } from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { quantizeActivation } from './int8.reference.js';

/** A number stands for (integer − zero) · scale, with integers from −128 to 127. */
export interface Quantization {
  /** Above 0. */
  scale: number;
  /** The integer that stands for 0. */
  zero: number;
}

const INPUTS = ['x'] as const;

/** x: nhwc4 [n, h, w, c]. The result is nhwc4 [n, h, w, vec4s of x] of u32, whose words are four integers each. */
export const forward: Operation<Quantization, typeof INPUTS> = {
  name: 'quantize',
  inputs: INPUTS,
  infer([x], { scale, zero }) {
    if (x.layout !== 'nhwc4' || x.type === 'u32')
      throw new InputError('input', { expected: 'nhwc4 of floats', given: describeForm(x) });
    if (!(scale > 0 && Number.isFinite(1 / scale)))
      throw new InputError('the scale of activations', { expected: 'a number above 0', given: String(scale) });
    if (!(Number.isInteger(zero) && zero >= -128 && zero <= 127))
      throw new InputError('the zero point', { expected: 'a whole number from −128 to 127', given: String(zero) });
    return [{ shape: [...x.shape.slice(0, -1), groupCount(x)], layout: 'nhwc4', type: 'u32' }];
  },
  flops: ({ inputs: [x] }) => 2 * elementCount(x),
  lower({ inputs: [x], outputs: [y], attributes: { scale, zero } }, context) {
    const params = { x_groups: groupCount(x), inverse: Math.fround(1 / scale), zero };
    dispatchGroups(context, y, { kernel, inputs: { x }, constants: { elem: x.type }, params });
  },
};

export const reference: Reference<Quantization, typeof INPUTS> = ([x], { inputs: [tensor], attributes }) => {
  const lanes = laneChannels(tensor);
  const channels = tensor.shape[tensor.shape.length - 1];
  const pixels = x.length / channels;
  const words = new Float64Array((pixels * lanes.length) / 4);
  const bytes = new Uint8Array(4);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++) {
    for (let lane = 0; lane < lanes.length; lane += 4, at++) {
      for (let i = 0; i < 4; i++) {
        const channel = lanes[lane + i];
        const value = channel < 0 ? 0 : x[pixel * channels + channel];
        bytes[i] = quantizeActivation(value, attributes.scale, attributes.zero);
      }
      words[at] = new DataView(bytes.buffer).getUint32(0, true);
    }
  }
  return [words];
};

const of = (shape: number[], attributes: Quantization, segments?: number[]): Case<Quantization> => ({
  inputs: [{ shape, ...(segments ? { segments } : {}) }],
  attributes,
  exact: true,
});

export const cases = (): Case<Quantization>[] => [
  of([1, 1, 1, 1], { scale: 0.01, zero: 0 }),
  of([2, 3, 5, 7], { scale: 0.02, zero: -128 }),
  of([1, 5, 3, 16], { scale: 0.015, zero: 127 }),
  of([1, 4, 4, 70], { scale: 0.001, zero: -3 }), // most numbers are out of range
  of([1, 3, 3, 11], { scale: 0.03, zero: -60 }, [3, 7, 1]),
  // Halves, which are rounded to the even number.
  {
    inputs: [{ shape: [1, 8, 8, 8], fill: (index) => (index - 256) / 2 }],
    attributes: { scale: 1, zero: 5 },
    exact: true,
  },
];
