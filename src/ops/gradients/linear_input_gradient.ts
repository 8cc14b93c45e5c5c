/** Backward pass of a fully connected layer by its input: dx[n, i] = Σ_o dy[n, o] · weight[o, i]. */
import { InputError } from '../../errors.js';
import { linear_input_gradient } from '../../generated/kernels/linear_input_gradient.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { describeShape, elementCount, groupCount } from '../../graph/ir/tensor.js';

const INPUTS = ['dy', 'weight'] as const;

/** dy: [n, outputs] dense. weight: [outputs, inputs] dense, or with more dimensions for the inputs. dx: [n, inputs] nhwc4, f32. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'linear_input_gradient',
  inputs: INPUTS,
  infer([dy, weight]) {
    if (dy.layout !== 'dense' || dy.shape[1] !== weight.shape[0]) {
      throw new InputError('gradient', { expected: `dense [n, ${weight.shape[0]}]`, given: describeShape(dy) });
    }
    return [{ shape: [dy.shape[0], elementCount(weight) / weight.shape[0]], layout: 'nhwc4', type: 'f32' }];
  },
  flops: ({ inputs: [dy, weight] }) => 2 * dy.shape[0] * elementCount(weight),
  lower({ inputs: [dy, weight], outputs: [dx] }, context) {
    const [[outputs], [, inputs]] = [weight.shape, dx.shape];
    const groups = groupCount(dx);
    const output = context.write(dx);
    context.dispatch({
      kernel: linear_input_gradient,
      constants: {},
      bindings: [context.read(dy), context.read(weight), output],
      params: { inputs, outputs, groups, images: dy.shape[0], dx_offset: output.offset, dx_pitch: output.pitch },
      workgroups: spread(Math.ceil((groups * dy.shape[0]) / 64)),
    });
  },
};

export const reference: Reference<object, typeof INPUTS> = ([dy, weight], { inputs: [, weights], outputs: [dx] }) => {
  const [images] = dx.shape;
  const [[outputs], [, inputs]] = [weights.shape, dx.shape];
  const result = new Float64Array(images * inputs);
  for (let n = 0; n < images; n++) {
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) result[n * inputs + i] += dy[n * outputs + o] * weight[o * inputs + i];
    }
  }
  return [result];
};

const caseOf = (images: number, inputs: number, outputs: number): Case => ({
  inputs: [{ shape: [images, outputs], layout: 'dense' }, { shape: [outputs, inputs] }],
  attributes: {},
});

export const cases = (): Case[] => [caseOf(1, 1, 1), caseOf(2, 7, 5), caseOf(3, 133, 8), caseOf(4, 512, 8)];
