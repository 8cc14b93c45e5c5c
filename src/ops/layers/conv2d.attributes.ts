/** The inputs and attributes of a convolution, and the sizes that follow from them. */
import type { Node } from '../../graph/ir/graph.js';
import { type Pair, type Sides, windowShape } from '../windows.js';
import type { Activation } from './activations.js';

export interface Conv2dAttributes {
  stride: Pair;
  dilation: Pair;
  padding: Sides;
  groups: number;
  activation?: Activation;
  /** What is applied on load if the fifth input has scale and shift: the affine map alone, or also ReLU after it. */
  prologue?: 'affine' | 'affine_relu';
}

export const CONV2D_INPUTS = ['x', 'weight', 'bias?', 'residual?', 'affine?'] as const;
export type Conv2dInputs = typeof CONV2D_INPUTS;

/** The sizes that kernels and references need. */
export function geometry(node: Node<Conv2dAttributes, Conv2dInputs>) {
  const [x, weight] = node.inputs;
  const [, inHeight, inWidth] = x.shape;
  const [outputs, groupInputs, kernelHeight, kernelWidth] = windowShape(weight);
  const [, outHeight, outWidth] = node.outputs[0].shape;
  return { inHeight, inWidth, outputs, groupInputs, kernelHeight, kernelWidth, outHeight, outWidth };
}
