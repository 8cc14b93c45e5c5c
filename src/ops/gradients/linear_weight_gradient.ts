/** Backward pass of a fully connected layer by its weights, dw[o, i] = Σ_n dy[n, o] · x[n, i], and by its bias. */
import { InputError } from '../../errors.js';
import { linear_weight_gradient } from '../../generated/kernels/linear_weight_gradient.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { describeShape, segmentsOf } from '../../graph/ir/tensor.js';

const INPUTS = ['x', 'dy'] as const;

/** x: [n, inputs] nhwc4, f32, without holes. dy: [n, outputs] dense. Outputs, dense: [outputs, inputs] and [outputs]. */
export const forward: Operation<object, typeof INPUTS> = {
  name: 'linear_weight_gradient',
  inputs: INPUTS,
  infer([x, dy]) {
    if (x.shape.length !== 2 || x.layout !== 'nhwc4' || x.type !== 'f32' || segmentsOf(x).length > 1) {
      throw new InputError('input', {
        expected: 'nhwc4 f32 [n, inputs] without holes between channels',
        given: `${x.layout} ${describeShape(x)}, segments ${segmentsOf(x).join(' + ')}`,
      });
    }
    if (dy.layout !== 'dense' || dy.shape[0] !== x.shape[0]) {
      throw new InputError('gradient', { expected: `dense [${x.shape[0]}, outputs]`, given: describeShape(dy) });
    }
    return [
      { shape: [dy.shape[1], x.shape[1]], layout: 'dense', type: 'f32' },
      { shape: [dy.shape[1]], layout: 'dense', type: 'f32' },
    ];
  },
  flops: ({ inputs: [x, dy] }) => 2 * x.shape[0] * x.shape[1] * dy.shape[1],
  lower({ inputs: [x, dy], outputs: [weight, bias] }, context) {
    const [outputs, inputs] = weight.shape;
    const input = context.read(x);
    context.dispatch({
      kernel: linear_weight_gradient,
      constants: {},
      bindings: [input, context.read(dy), context.write(weight), context.write(bias)],
      params: { inputs, outputs, images: x.shape[0], x_offset: input.offset, x_pitch: input.pitch },
      workgroups: spread(Math.ceil((inputs * outputs) / 64)),
    });
  },
};

export const reference: Reference<object, typeof INPUTS> = ([x, dy], { outputs: [weights] }) => {
  const [outputs, inputs] = weights.shape;
  const weight = new Float64Array(outputs * inputs);
  const bias = new Float64Array(outputs);
  for (let n = 0; n < x.length / inputs; n++) {
    for (let o = 0; o < outputs; o++) {
      const slope = dy[n * outputs + o];
      bias[o] += slope;
      for (let i = 0; i < inputs; i++) weight[o * inputs + i] += slope * x[n * inputs + i];
    }
  }
  return [weight, bias];
};

const caseOf = (images: number, inputs: number, outputs: number): Case => ({
  inputs: [
    { shape: [images, inputs], type: 'f32' },
    { shape: [images, outputs], layout: 'dense' },
  ],
  attributes: {},
});

export const cases = (): Case[] => [caseOf(1, 1, 1), caseOf(2, 7, 5), caseOf(3, 133, 8), caseOf(16, 512, 8)];
