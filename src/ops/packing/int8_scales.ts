/** The scales of a convolution's weights as 8-bit integers, with what else the kernels need of each output channel. */
import { InputError } from '../../errors.js';
import { int8_scales } from '../../generated/kernels/int8_scales.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { describeShape, elementCount } from '../../graph/ir/tensor.js';
import { quantizeWeights, wholeWeights } from './int8.reference.js';

const INPUTS = ['weight'] as const;

/** The most weights of an output channel: the sum of as many products of a weight and an activation fits 32 bits. */
export const MOST_WEIGHTS = Math.floor(2 ** 31 / (127 * 255)) - 1;

const lanesOf = (outputs: number) => Math.ceil(outputs / 4) * 4;

/** Three rows, padded to whole vec4s: scales, their inverses, and the sum of each channel's integers. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'int8_scales',
  inputs: INPUTS,
  infer([weight]) {
    const [outputs] = weight.shape;
    if (elementCount(weight) > MOST_WEIGHTS * outputs)
      throw new InputError('too many weights for 32-bit sums of 8-bit products', {
        expected: `at most ${MOST_WEIGHTS} for each output`,
        given: describeShape(weight),
      });
    return [{ shape: [3, lanesOf(outputs)], layout: 'dense', type: 'f32' }];
  },
  flops: () => 0,
  lower({ inputs: [weight], outputs: [scales] }, context) {
    const [outputs] = weight.shape;
    const [, lanes] = scales.shape;
    context.dispatch({
      kernel: int8_scales,
      constants: {},
      bindings: [context.read(weight), context.write(scales)],
      params: { outputs, count: elementCount(weight) / outputs, lanes },
      workgroups: [Math.ceil(lanes / 64), 1, 1],
    });
  },
};

export const reference: Reference<object, typeof INPUTS> = ([weight], { inputs: [tensor] }) => {
  const [outputs] = tensor.shape;
  const lanes = lanesOf(outputs);
  const { integers, scales, inverses } = quantizeWeights(weight, outputs);
  const rows = new Float64Array(3 * lanes);
  rows.set(scales);
  rows.set(inverses, lanes);
  const count = weight.length / outputs;
  integers.forEach((integer, index) => {
    rows[2 * lanes + Math.floor(index / count)] += integer;
  });
  return [rows];
};

export const cases = (): Case[] => [
  { inputs: [{ shape: [5, 3, 3, 3], layout: 'dense', fill: wholeWeights(27) }], attributes: {} },
  { inputs: [{ shape: [70, 40, 1, 1], layout: 'dense', fill: wholeWeights(40) }], attributes: {} },
  { inputs: [{ shape: [3, 9], layout: 'dense', fill: () => 0 }], attributes: {} },
];
