/** Backward pass of a convolution: gradients by its input, its weights, its bias, and the residual of its epilogue. */
import { InputError } from '../../errors.js';
import type { GraphBuilder, Node } from '../../graph/ir/graph.js';
import type { Gradient } from '../../graph/ir/operation.js';
import { segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { permute } from '../general/permute.js';
import { reshape } from '../general/reshape.js';
import { biasGradient } from '../layers/channel_sums.js';
import type { Conv2dAttributes, Conv2dInputs } from '../layers/conv2d.attributes.js';
import { forward as convolution } from '../layers/conv2d.js';
import { withSegments } from '../packing/compact.js';
import { forward as transpose } from '../packing/transpose_conv2d.js';
import { type Windows, windowShape } from '../windows.js';
import { behindEpilogue } from './activation_gradient.js';
import { forward as inputGradient } from './conv2d_input_gradient.js';
import { forward as weightGradient } from './conv2d_weight_gradient.js';
import { forward as linearInputGradient } from './linear_input_gradient.js';

export const gradient: Gradient<Conv2dAttributes, Conv2dInputs> = (g, node, [dy]) => {
  const [x, weight, bias, residual] = node.inputs;
  const { stride, dilation, padding, groups, prologue } = node.attributes;
  const { name } = node.outputs[0];
  if (prologue)
    throw new InputError('the input of a convolution with a prologue was not kept', {
      expected: 'a graph as it is before fusion',
    });
  const inner = behindEpilogue(g, node, dy);
  const [, , kernelHeight, kernelWidth] = windowShape(weight);
  const isMatrix = weight.shape.length === 2;
  const windows: Windows = { kernel: [kernelHeight, kernelWidth], stride, dilation, padding };
  return [
    byInput(g, node, inner, windows),
    g.apply(
      weightGradient,
      [x, inner],
      { ...windows, groups, ...(isMatrix ? { isMatrix } : {}) },
      `${name}/weight_gradient`,
    ),
    bias && biasGradient(g, inner, `${name}/bias_gradient`),
    residual && inner,
  ];
};

function byInput(g: GraphBuilder, node: Node<Conv2dAttributes, Conv2dInputs>, dy: Tensor, windows: Windows): Tensor {
  const [x, weight] = node.inputs;
  const { groups } = node.attributes;
  const { kernel, stride, dilation, padding } = windows;
  const name = `${node.outputs[0].name}/input_gradient`;
  if (isDense(node, windows)) return byFlatInput(g, node, dy, name);
  const transposed = g.apply(transpose, [weight], { groups }, `${weight.name}/transposed`);
  let dx: Tensor;
  if (stride[0] === 1 && stride[1] === 1) {
    // This is a convolution of dy, padded so that each input pixel gets the gradient of all windows that contain it. The padding is
    // negative, and crops, if the forward pass had a larger padding than that.
    const span = (axis: 0 | 1) => dilation[axis] * (kernel[axis] - 1);
    const [top, left, bottom, right] = padding;
    const around = [span(0) - top, span(1) - left, span(0) - bottom, span(1) - right] as const;
    dx = g.apply(convolution, [dy, transposed], { stride, dilation, padding: around, groups }, name);
  } else {
    const [, height, width] = x.shape;
    dx = g.apply(inputGradient, [dy, transposed], { ...windows, groups, height, width }, name);
  }
  return withSegments(g, dx, segmentsOf(x), `${name}/segments`);
}

/** Whether a window is as large as the map, as in a fully connected layer on a flattened map. */
function isDense(
  { inputs: [x], attributes: { groups } }: Node<Conv2dAttributes, Conv2dInputs>,
  windows: Windows,
): boolean {
  const { kernel, dilation, padding } = windows;
  const isWhole = kernel[0] === x.shape[1] && kernel[1] === x.shape[2] && kernel[0] * kernel[1] > 1;
  return (
    isWhole &&
    groups === 1 &&
    x.type === 'f32' &&
    [...dilation, ...padding.map((side) => side + 1)].every((one) => one === 1)
  );
}

/**
 * The gradient by x if the window is as large as the map: that of a fully connected layer. A convolution of the padded gradient would
 * give the same, but multiply almost only zeros, with as many times the work as the map has positions.
 */
function byFlatInput(g: GraphBuilder, node: Node<Conv2dAttributes, Conv2dInputs>, dy: Tensor, name: string): Tensor {
  const [x, weight] = node.inputs;
  const [, height, width, channels] = x.shape;
  const slopes = reshape(g, permute(g, dy, [0, 3, 1, 2]), [0, -1]);
  const flat = permute(g, g.apply(linearInputGradient, [slopes, weight], {}, name), [0, 1], 'dense');
  const map = permute(g, reshape(g, flat, [0, channels, height, width]), [0, 2, 3, 1], 'nhwc4');
  return withSegments(g, map, segmentsOf(x), `${name}/segments`);
}
