/**
 * Transposed convolution (deconvolution). It spreads each pixel over a window of the larger result. A convolution's backward pass does the
 * same with the gradient of its output, so the kernels of that pass are used.
 */

import { InputError } from '../../errors.js';
import type { GraphBuilder, Node } from '../../graph/ir/graph.js';
import type { Case, Gradient, Operation, Reference } from '../../graph/ir/operation.js';
import { describeForm, describeShape, elementCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { checkOptions, optionKinds } from '../../options.js';
import { type Conv2dGradientAttributes, forward as inputGradient } from '../gradients/conv2d_input_gradient.js';
import { forward as weightGradient } from '../gradients/conv2d_weight_gradient.js';
import { forward as convolution } from '../layers/conv2d.js';
import { compact } from '../packing/compact.js';
import { forward as transpose } from '../packing/transpose_conv2d.js';
import { checkWindows, type Pair, pair, type Sides, sides, type Windows, windowSpan } from '../windows.js';
import { binary } from './binary.js';

export interface ConvTranspose2dAttributes {
  stride: Pair;
  dilation: Pair;
  /** Rows and columns that are cut off at each side. */
  padding: Sides;
  /**
   * Additional rows at the bottom and columns on the right, fewer than the stride. With a stride above 1, a convolution maps several sizes to
   * the size of x, and this chooses one of them.
   */
  outputPadding: Pair;
  groups: number;
}

const INPUTS = ['x', 'weight'] as const;
type Own = Node<ConvTranspose2dAttributes, typeof INPUTS>;

/** x: [n, h, w, inputs] nhwc4 without holes. weight: [inputs, outputs / groups, kh, kw] dense. y: [n, ..., outputs] nhwc4. */
export const forward: Operation<ConvTranspose2dAttributes, typeof INPUTS> = {
  name: 'conv_transpose2d',
  inputs: INPUTS,
  infer([x, weight], attributes) {
    const { stride, outputPadding, groups } = attributes;
    if (x.layout !== 'nhwc4' || x.shape.length !== 4 || segmentsOf(x).length > 1) {
      throw new InputError('input', { expected: 'nhwc4 [n, h, w, c] without holes', given: describeForm(x) });
    }
    const [images, height, width, inputs] = x.shape;
    if (weight.shape.length !== 4 || weight.shape[0] !== inputs || inputs % groups !== 0) {
      throw new InputError('weight', {
        expected: `[${inputs}, outputs / groups, kh, kw], and groups that divide ${inputs}`,
        given: `${describeShape(weight)} in ${groups} groups`,
      });
    }
    checkWindows('transposed convolution', windowsOf(weight, attributes));
    if (!outputPadding.every((more, axis) => Number.isInteger(more) && more >= 0 && more < stride[axis])) {
      throw new InputError('output padding', {
        expected: `whole numbers below the stride ${stride.join(', ')}`,
        given: outputPadding.join(', '),
      });
    }
    const sizes = [0, 1].map((axis) => sizeAlong(axis as 0 | 1, [height, width][axis], weight, attributes));
    if (sizes.some((size) => size < 1)) {
      throw new InputError('padding takes everything away', {
        expected: 'less padding',
        given: attributes.padding.join(', '),
      });
    }
    return [{ shape: [images, ...sizes, weight.shape[1] * groups], layout: 'nhwc4', type: x.type }];
  },
  flops: ({ inputs: [x, weight] }) => (2 * elementCount(x) * elementCount(weight)) / weight.shape[0],
  variants: (node, traits) => inputGradient.variants!(asGradient(node, node.inputs[1]), traits),
  lower(node, context) {
    const weight = context.derive(transpose, [node.inputs[1]], { groups: node.attributes.groups });
    inputGradient.lower(asGradient(node, weight), context);
  },
};

const windowsOf = (weight: Tensor, { stride, dilation, padding }: ConvTranspose2dAttributes): Windows => ({
  kernel: [weight.shape[2], weight.shape[3]],
  stride,
  dilation,
  padding,
});

const sizeAlong = (axis: 0 | 1, size: number, weight: Tensor, attributes: ConvTranspose2dAttributes) => {
  const { stride, dilation, padding, outputPadding } = attributes;
  const span = windowSpan(weight.shape[2 + axis], dilation[axis]);
  return (size - 1) * stride[axis] + span - padding[axis] - padding[axis + 2] + outputPadding[axis];
};

/** The node as the backward pass of a convolution whose input has the shape of y and whose output has that of x. */
function asGradient(node: Own, transposed: Tensor): Node<Conv2dGradientAttributes, readonly ['dy', 'transposed']> {
  const { inputs, outputs, attributes } = node;
  const [, height, width] = outputs[0].shape;
  // A kernel is chosen before the weight is transposed. The weight itself then stands for the transposed one, in that one's shape.
  const [, groupOutputs, ...kernel] = inputs[1].shape;
  const { groups } = attributes;
  const shape = [groupOutputs * groups, inputs[1].shape[0] / groups, ...kernel];
  return {
    operation: inputGradient,
    inputs: [inputs[0], transposed === inputs[1] ? { ...transposed, shape } : transposed],
    outputs,
    attributes: { ...windowsOf(inputs[1], attributes), groups, height, width },
  };
}

/** Options of `convTranspose2d`. Sizes are in pixels: one for both axes, or vertical and horizontal. */
export interface ConvTranspose2dOptions {
  stride?: number | Pair;
  dilation?: number | Pair;
  /** Rows and columns to remove from the result: one size for all sides, vertical and horizontal, or top, left, bottom and right. */
  padding?: number | Pair | Sides;
  /** Additional rows at the bottom and columns on the right, fewer than the stride. */
  outputPadding?: number | Pair;
  groups?: number;
  name?: string;
}

const OPTIONS = optionKinds<ConvTranspose2dOptions>({
  stride: 'a number or a list of numbers',
  dilation: 'a number or a list of numbers',
  padding: 'a number or a list of numbers',
  outputPadding: 'a number or a list of numbers',
  groups: 'a whole number from 1 on',
  name: 'a text',
});

/**
 * Adds a transposed convolution, as PyTorch and ONNX define it.
 * @param x [n, h, w, inputs] nhwc4.
 * @param weight [inputs, outputs / groups, kh, kw].
 * @param bias [outputs], or left out.
 */
export function convTranspose2d(
  g: GraphBuilder,
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: ConvTranspose2dOptions = {},
): Tensor {
  checkOptions('convTranspose2d', options, OPTIONS);
  const { stride = 1, dilation = 1, padding = 0, outputPadding = 0, groups = 1, name } = options;
  const attributes = {
    stride: pair(stride),
    dilation: pair(dilation),
    padding: sides(padding),
    outputPadding: pair(outputPadding),
    groups,
  };
  const y = g.apply(forward, [compact(g, x), weight], attributes, name);
  return bias ? binary(g, y, bias, 'add') : y;
}

export const reference: Reference<ConvTranspose2dAttributes, typeof INPUTS> = ([x, weight], node) => {
  const { stride, dilation, padding, groups } = node.attributes;
  const [images, inHeight, inWidth, inputs] = node.inputs[0].shape;
  const [, groupOutputs, kernelHeight, kernelWidth] = node.inputs[1].shape;
  const [, height, width, outputs] = node.outputs[0].shape;
  const y = new Float64Array(elementCount(node.outputs[0]));
  for (let pixel = 0; pixel < images * inHeight * inWidth; pixel++) {
    const image = Math.floor(pixel / (inHeight * inWidth));
    const [iy, ix] = [Math.floor(pixel / inWidth) % inHeight, pixel % inWidth];
    for (let i = 0; i < inputs; i++) {
      const first = Math.floor(i / (inputs / groups)) * groupOutputs;
      for (let o = 0; o < groupOutputs; o++) {
        for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
          const oy = iy * stride[0] + Math.floor(tap / kernelWidth) * dilation[0] - padding[0];
          const ox = ix * stride[1] + (tap % kernelWidth) * dilation[1] - padding[1];
          if (oy < 0 || oy >= height || ox < 0 || ox >= width) continue;
          y[((image * height + oy) * width + ox) * outputs + first + o] +=
            x[pixel * inputs + i] * weight[(i * groupOutputs + o) * kernelHeight * kernelWidth + tap];
        }
      }
    }
  }
  return [y];
};

/** The gradient with respect to x is a convolution of dy. The gradient with respect to the weights is that of this convolution. */
export const gradient: Gradient<ConvTranspose2dAttributes, typeof INPUTS> = (
  g,
  { inputs: [x, weight], outputs: [y], attributes },
  [dy],
) => {
  const { stride, dilation, padding, groups } = attributes;
  const byInput = g.apply(convolution, [dy, weight], { stride, dilation, padding, groups }, `${y.name}/input_gradient`);
  return [
    byInput,
    g.apply(weightGradient, [dy, x], { ...windowsOf(weight, attributes), groups }, `${y.name}/weight_gradient`),
  ];
};

function caseOf(
  x: readonly number[],
  weight: readonly number[],
  options: ConvTranspose2dOptions = {},
): Case<ConvTranspose2dAttributes> {
  const { stride = 1, dilation = 1, padding = 0, outputPadding = 0, groups = 1 } = options;
  const attributes = { stride: pair(stride), dilation: pair(dilation), padding: sides(padding), groups };
  return {
    inputs: [{ shape: x }, { shape: weight }],
    attributes: { ...attributes, outputPadding: pair(outputPadding) },
  };
}

export const cases = (): Case<ConvTranspose2dAttributes>[] => [
  caseOf([1, 1, 1, 1], [1, 1, 1, 1]),
  caseOf([2, 3, 5, 7], [7, 3, 2, 2], { stride: 2 }),
  caseOf([1, 5, 4, 6], [6, 5, 3, 3], { padding: 1 }),
  caseOf([2, 4, 3, 5], [5, 9, 4, 4], { stride: 2, padding: 1 }),
  caseOf([1, 4, 6, 3], [3, 4, 3, 3], { stride: [2, 3], padding: [1, 0, 0, 2], outputPadding: [1, 2] }),
  caseOf([1, 5, 3, 4], [4, 6, 3, 2], { stride: [1, 2], dilation: [2, 3] }),
  caseOf([2, 3, 4, 8], [8, 4, 3, 3], { stride: 2, groups: 2 }),
  caseOf([1, 3, 4, 6], [6, 1, 3, 3], { stride: 2, padding: 1, outputPadding: 1, groups: 6 }),
  caseOf([1, 4, 5, 6], [6, 3, 3, 1], { stride: 3, groups: 3 }),
  caseOf([1, 133, 2, 3], [3, 2, 1, 1], { stride: 2 }), // pixels that no window reaches
];
