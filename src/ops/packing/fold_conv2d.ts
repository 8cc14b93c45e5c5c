/** Batch norm folded into the convolution before it: w′ = w · s, b′ = b · s + t, with s = γ / √(σ² + ε), t = β − μ · s. */
import { fold_conv2d } from '../../generated/kernels/fold_conv2d.js';
import type { Case, Operation, Reference } from '../../graph/ir/operation.js';
import { MOST_WORKGROUPS } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';

export interface FoldAttributes {
  epsilon: number;
}

/** Weights of a workgroup, as in the kernel. */
const PART = 1024;

const INPUTS = ['weight', 'bias?', 'gamma', 'beta', 'mean', 'variance'] as const;

/** Inputs: weight [outputs, …], bias or none, γ, β, μ, σ² of [outputs]. Outputs: folded weight and bias. */
export const forward: Operation<FoldAttributes, typeof INPUTS> = {
  name: 'fold_conv2d',
  inputs: INPUTS,
  infer: ([weight]) => [weight, { shape: [weight.shape[0]], layout: 'dense', type: 'f32' }],
  flops: ({ outputs: [folded] }) => elementCount(folded),
  lower({ inputs, outputs, attributes }, context) {
    const [filters] = outputs[0].shape;
    const size = elementCount(outputs[0]) / filters;
    context.dispatch({
      kernel: fold_conv2d,
      constants: { BIAS: inputs[1] !== undefined },
      bindings: [...inputs.map((tensor) => context.read(tensor)), ...outputs.map((tensor) => context.write(tensor))],
      params: { outputs: filters, filter_size: size, epsilon: attributes.epsilon },
      workgroups: [Math.ceil(size / PART), Math.min(filters, MOST_WORKGROUPS), 1],
    });
  },
};

/** Scale s and shift t of a batch norm in float64. */
export function scaleAndShift(
  [gamma, beta, mean, variance]: readonly Float64Array[],
  epsilon: number,
): { scale: Float64Array; shift: Float64Array } {
  const scale = gamma.map((value, c) => value / Math.sqrt(variance[c] + epsilon));
  return { scale, shift: beta.map((value, c) => value - mean[c] * scale[c]) };
}

export const reference: Reference<FoldAttributes, typeof INPUTS> = ([weight, bias, ...statistics], { attributes }) => {
  const { scale, shift } = scaleAndShift(statistics, attributes.epsilon);
  const filter = weight.length / scale.length;
  return [
    weight.map((value, index) => value * scale[Math.floor(index / filter)]),
    scale.map((value, c) => (bias?.[c] ?? 0) * value + shift[c]),
  ];
};

const vector = (channels: number) => ({ shape: [channels], layout: 'dense' as const });

export const cases = (): Case<FoldAttributes>[] =>
  [true, false].map((withBias) => ({
    inputs: [
      { shape: [5, 3, 3, 2], layout: 'dense' },
      withBias ? vector(5) : undefined,
      vector(5),
      vector(5),
      vector(5),
      { ...vector(5), fill: 'positive' },
    ],
    attributes: { epsilon: 1e-5 },
  }));
