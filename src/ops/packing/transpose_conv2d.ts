/** Convolution weights for the backward pass: inputs and outputs are exchanged, and the window is rotated by 180°. */
import { transpose_conv2d } from '../../generated/kernels/transpose_conv2d.js';
import { type Case, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { elementCount } from '../../graph/ir/tensor.js';
import { windowShape } from '../windows.js';

export interface TransposeConv2dAttributes {
  groups: number;
}

const INPUTS = ['weight'] as const;

/** weight: [outputs, inputs / groups, kh, kw] dense, or a matrix [outputs, inputs / groups]. Output: [inputs, outputs / groups, kh, kw] dense. */
export const forward: Operation<TransposeConv2dAttributes, typeof INPUTS> = {
  name: 'transpose_conv2d',
  inputs: INPUTS,
  infer([weight], { groups }) {
    const [outputs, groupInputs, ...kernel] = windowShape(weight);
    return [{ shape: [groupInputs * groups, outputs / groups, ...kernel], layout: 'dense', type: 'f32' }];
  },
  flops: () => 0,
  lower({ inputs: [weight], outputs: [transposed], attributes: { groups } }, context) {
    const [outputs, groupInputs, kernelHeight, kernelWidth] = windowShape(weight);
    const kernel = kernelHeight * kernelWidth;
    const windows = elementCount(transposed) / kernel;
    context.dispatch({
      kernel: transpose_conv2d,
      constants: {},
      bindings: [context.read(weight), context.write(transposed)],
      params: {
        group_inputs: groupInputs,
        group_outputs: outputs / groups,
        kernel,
        windows,
      },
      workgroups: spread(Math.ceil(windows / 64)),
    });
  },
};

export const reference: Reference<TransposeConv2dAttributes, typeof INPUTS> = (
  [weight],
  { inputs, attributes: { groups } },
) => {
  const [outputs, groupInputs, kernelHeight, kernelWidth] = windowShape(inputs[0]);
  const [taps, groupOutputs] = [kernelHeight * kernelWidth, outputs / groups];
  const transposed = new Float64Array(weight.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < groupInputs; i++) {
      const input = Math.floor(o / groupOutputs) * groupInputs + i;
      for (let tap = 0; tap < taps; tap++) {
        transposed[(input * groupOutputs + (o % groupOutputs)) * taps + taps - 1 - tap] =
          weight[(o * groupInputs + i) * taps + tap];
      }
    }
  }
  return [transposed];
};

const caseOf = (shape: number[], groups: number): Case<TransposeConv2dAttributes> => ({
  inputs: [{ shape, layout: 'dense' }],
  attributes: { groups },
});

export const cases = (): Case<TransposeConv2dAttributes>[] => [
  caseOf([1, 1, 1, 1], 1),
  caseOf([5, 3, 3, 2], 1),
  caseOf([6, 2, 1, 5], 3),
  caseOf([6, 5], 1),
  caseOf([10, 1, 3, 3], 10),
];
