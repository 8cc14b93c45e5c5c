/**
 * Gradient of a convolution by its input, for strides above 1. With stride 1 it is itself a convolution, with transposed weights (see
 * conv2d.gradient.ts), so the kernels of the forward pass compute it.
 */
import { InputError } from '../../errors.js';
import { conv2d_input_gradient } from '../../generated/kernels/conv2d_input_gradient.js';
import { conv2d_input_gradient_depthwise } from '../../generated/kernels/conv2d_input_gradient_depthwise.js';
import { conv2d_input_gradient_grouped } from '../../generated/kernels/conv2d_input_gradient_grouped.js';
import type { Node } from '../../graph/ir/graph.js';
import type { Lowering, Operation, Range } from '../../graph/ir/operation.js';
import { spread } from '../../graph/ir/operation.js';
import {
  describeForm,
  describeShape,
  elementCount,
  groupCount,
  segmentsOf,
  type Tensor,
} from '../../graph/ir/tensor.js';
import { dispatchGroups } from '../groups.js';
import { forward as packConv2d } from '../packing/pack_conv2d.js';
import { type Windows, windowCounts, windowParams } from '../windows.js';

export interface Conv2dGradientAttributes extends Windows {
  groups: number;
  /** Sizes of the convolution's input, which do not follow from those of its output. */
  height: number;
  width: number;
}

const INPUTS = ['dy', 'transposed'] as const;
export type Conv2dInputGradientInputs = typeof INPUTS;

/** dy: [n, oh, ow, outputs] nhwc4. transposed: [inputs, outputs / groups, kh, kw] dense, see transpose_conv2d. dx: nhwc4. */
export const forward: Operation<Conv2dGradientAttributes, typeof INPUTS> = {
  name: 'conv2d_input_gradient',
  inputs: INPUTS,
  infer([dy, transposed], attributes) {
    const { height, width, groups } = attributes;
    const [images, outHeight, outWidth, outputs] = dy.shape;
    const [inputs, groupOutputs, ...kernel] = transposed.shape;
    const expected = [...windowCounts(attributes, [height, width]), groupOutputs * groups];
    const plain = dy.layout === 'nhwc4' && segmentsOf(dy).length === 1;
    const fits = plain && kernel.join() === attributes.kernel.join() && inputs % groups === 0;
    if (!fits || expected.join() !== [outHeight, outWidth, outputs].join()) {
      throw new InputError('gradient', {
        expected: `nhwc4 [n, ${expected.join(', ')}] without holes`,
        given: `${describeForm(dy)} for weights ${describeShape(transposed)}`,
      });
    }
    return [{ shape: [images, height, width, inputs], layout: 'nhwc4', type: dy.type }];
  },
  flops({ inputs: [dy, transposed], attributes: { groups } }) {
    return (2 * elementCount(dy) * elementCount(transposed)) / transposed.shape[1] / groups;
  },
  variants: (node) => [isDepthwise(node) ? 'depthwise' : isRagged(node) ? 'grouped' : 'direct'],
  lower(node, context) {
    if (context.variant === 'depthwise') lowerDepthwise(node, context);
    else if (context.variant === 'grouped') lowerGrouped(node, context);
    else lowerDirect(node, context);
  },
};

function isRagged({
  inputs: [, transposed],
  attributes: { groups },
}: Node<Conv2dGradientAttributes, typeof INPUTS>): boolean {
  const [inputs, groupOutputs] = transposed.shape;
  return groups > 1 && (groupOutputs % 4 !== 0 || (inputs / groups) % 4 !== 0);
}

/** Whether each output channel has exactly one input channel, of its own. */
const isDepthwise = ({
  inputs: [, transposed],
  attributes: { groups },
}: Node<Conv2dGradientAttributes, typeof INPUTS>): boolean =>
  transposed.shape[1] === 1 && transposed.shape[0] === groups;

const paramsOf = (dy: Tensor, attributes: Conv2dGradientAttributes) =>
  windowParams(attributes, [attributes.height, attributes.width], [dy.shape[1], dy.shape[2]]);

// The images of dy, as whole images, that a range of pixels of dx belongs to.
function imagesOf(dx: Tensor, dy: Tensor): (range: Range) => Range {
  const image = dx.shape[1] * dx.shape[2];
  const out = dy.shape[1] * dy.shape[2];
  return ([from, to]) => [Math.floor(from / image) * out, Math.ceil(to / image) * out];
}

function lowerDepthwise(
  { inputs: [dy, transposed], outputs: [dx], attributes }: Node<Conv2dGradientAttributes, typeof INPUTS>,
  context: Lowering,
) {
  dispatchGroups(context, dx, {
    kernel: conv2d_input_gradient_depthwise,
    inputs: { dy },
    whole: [context.derive(packConv2d, [transposed], { segments: [1], type: dx.type as 'f32' })],
    needs: imagesOf(dx, dy),
    params: paramsOf(dy, attributes),
  });
}

function lowerGrouped(
  { inputs: [dy, transposed], outputs: [dx], attributes }: Node<Conv2dGradientAttributes, typeof INPUTS>,
  context: Lowering,
) {
  const [inputs, groupOutputs] = transposed.shape;
  dispatchGroups(context, dx, {
    kernel: conv2d_input_gradient_grouped,
    inputs: { dy },
    whole: [transposed],
    needs: imagesOf(dx, dy),
    params: {
      ...paramsOf(dy, attributes),
      inputs,
      group_inputs: inputs / attributes.groups,
      group_outputs: groupOutputs,
    },
  });
}

function lowerDirect(
  { inputs: [dy, transposed], outputs: [dx], attributes }: Node<Conv2dGradientAttributes, typeof INPUTS>,
  context: Lowering,
) {
  const { stride, height, width, groups } = attributes;
  const [, groupOutputs] = transposed.shape;
  const packed = context.derive(packConv2d, [transposed], { segments: [groupOutputs], type: dx.type as 'f32' });
  const needs = imagesOf(dx, dy);
  const inGroups = groupCount(dx);
  for (const range of context.bands(dx, [[dy, needs]])) {
    const [input, output] = [context.read(dy, needs(range)), context.write(dx, range)];
    const image = Math.floor(range[0] / (height * width));
    const images = Math.ceil(range[1] / (height * width)) - image;
    for (let y = 0; y < Math.min(stride[0], height); y++) {
      for (let x = 0; x < Math.min(stride[1], width); x++) {
        const rows = Math.ceil((height - y) / stride[0]);
        const columns = Math.ceil(Math.ceil((width - x) / stride[1]) / 4);
        const [down, deep] = spread(Math.ceil((images * rows * columns) / 8));
        context.dispatch({
          kernel: conv2d_input_gradient,
          constants: { elem: dx.type },
          bindings: [input, context.read(packed), output],
          params: {
            first: range[0],
            count: range[1] - range[0],
            image,
            images,
            phase_y: y,
            phase_x: x,
            rows,
            columns,
            ...paramsOf(dy, attributes),
            groups: inGroups,
            dy_groups: Math.ceil(groupOutputs / 4),
            group_inputs: inGroups / groups,
            dy_offset: input.offset,
            dy_pitch: input.pitch,
            y_offset: output.offset,
            y_pitch: output.pitch,
          },
          workgroups: [Math.ceil(inGroups / 8), down, deep],
        });
      }
    }
  }
}
