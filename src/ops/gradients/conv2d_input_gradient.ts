/**
 * Gradient of a convolution by its input, for strides above 1. With stride 1 it is itself a convolution, with transposed weights (see
 * conv2d.gradient.ts), so the kernels of the forward pass compute it. Transposed convolutions use these kernels with any stride.
 */
import { InputError } from '../../errors.js';
import { conv2d_input_gradient } from '../../generated/kernels/conv2d_input_gradient.js';
import { conv2d_input_gradient_depthwise } from '../../generated/kernels/conv2d_input_gradient_depthwise.js';
import { conv2d_input_gradient_grouped } from '../../generated/kernels/conv2d_input_gradient_grouped.js';
import { conv2d_input_gradient_matrix } from '../../generated/kernels/conv2d_input_gradient_matrix.js';
import type { Constants, Kernel } from '../../gpu/wgsl.js';
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
import { hasMatrices, matrixConstants, matrixTile } from '../matrices.js';
import { forward as packConv2d } from '../packing/pack_conv2d.js';
import { bestFirst, type VariantRow } from '../variants.js';
import { type Pair, type Windows, windowCounts, windowParams } from '../windows.js';

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
  variants: (node, traits) => bestFirst(VARIANTS, node, traits),
  lower: (node, context) => VARIANTS[context.variant].lower(node, context),
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

interface InputGradientVariant extends VariantRow<Conv2dGradientAttributes, typeof INPUTS> {
  lower(node: Node<Conv2dGradientAttributes, typeof INPUTS>, context: Lowering): void;
}

const VARIANTS: Readonly<Record<string, InputGradientVariant>> = {
  depthwise: { fits: isDepthwise, rank: () => 0, lower: lowerDepthwise },
  grouped: { fits: (node) => isRagged(node) && !isDepthwise(node), rank: () => 0, lower: lowerGrouped },
  direct: { fits: (node) => !isRagged(node) && !isDepthwise(node), rank: () => 0, lower: lowerDirect },
  // It was not measured yet. It is offered to be measured, and never preferred before.
  matrix: {
    fits: (node, traits) =>
      node.attributes.groups === 1 && !isDepthwise(node) && hasMatrices(node.outputs[0].type, traits),
    rank: () => 3,
    lower: lowerMatrix,
  },
};

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

/** What a kernel needs to compute one phase of a band. */
interface PhaseDispatch {
  readonly kernel: Kernel;
  readonly constants: Constants;
  readonly params: Readonly<Record<string, number>>;
  readonly workgroups: readonly [number, number, number];
}

/** Dispatches a kernel for each phase of each band: the pixels of dx that agree in their row and column modulo the strides. */
function dispatchPhases(
  { inputs: [dy, transposed], outputs: [dx], attributes }: Node<Conv2dGradientAttributes, typeof INPUTS>,
  context: Lowering,
  dispatchOf: (phase: Pair, images: number) => PhaseDispatch,
) {
  const { stride, height, width } = attributes;
  const segments = [transposed.shape[1]];
  const packed = context.derive(packConv2d, [transposed], { segments, type: dx.type as 'f32' });
  const needs = imagesOf(dx, dy);
  for (const range of context.bands(dx, [[dy, needs]])) {
    const [input, output] = [context.read(dy, needs(range)), context.write(dx, range)];
    const image = Math.floor(range[0] / (height * width));
    const images = Math.ceil(range[1] / (height * width)) - image;
    for (let y = 0; y < Math.min(stride[0], height); y++) {
      for (let x = 0; x < Math.min(stride[1], width); x++) {
        const { params, ...rest } = dispatchOf([y, x], images);
        context.dispatch({
          ...rest,
          bindings: [input, context.read(packed), output],
          params: {
            first: range[0],
            count: range[1] - range[0],
            image,
            images,
            phase_y: y,
            phase_x: x,
            groups: groupCount(dx),
            dy_groups: Math.ceil(segments[0] / 4),
            dy_offset: input.offset,
            dy_pitch: input.pitch,
            y_offset: output.offset,
            y_pitch: output.pitch,
            ...params,
          },
        });
      }
    }
  }
}

function lowerDirect(node: Node<Conv2dGradientAttributes, typeof INPUTS>, context: Lowering) {
  const { stride, height, width, groups } = node.attributes;
  const [dx] = node.outputs;
  const inGroups = groupCount(dx);
  dispatchPhases(node, context, ([y, x], images) => {
    const rows = Math.ceil((height - y) / stride[0]);
    const columns = Math.ceil(Math.ceil((width - x) / stride[1]) / 4);
    return {
      kernel: conv2d_input_gradient,
      constants: { elem: dx.type },
      params: { rows, columns, ...paramsOf(node.inputs[0], node.attributes), group_inputs: inGroups / groups },
      workgroups: inPlane(Math.ceil(inGroups / 8), Math.ceil((images * rows * columns) / 8)),
    };
  });
}

function lowerMatrix(node: Node<Conv2dGradientAttributes, typeof INPUTS>, context: Lowering) {
  const { stride, height, width, kernel } = node.attributes;
  const [dx] = node.outputs;
  const [, outHeight, outWidth] = node.inputs[0].shape;
  const tile = matrixTile('f16', context.traits);
  dispatchPhases(node, context, (phase, images) => {
    const [down, across] = [phaseTaps(node.attributes, phase, 0), phaseTaps(node.attributes, phase, 1)];
    const [rows, columns] = [Math.ceil((height - phase[0]) / stride[0]), Math.ceil((width - phase[1]) / stride[1])];
    return {
      kernel: conv2d_input_gradient_matrix,
      constants: { elem: dx.type, ...matrixConstants('f16', context.traits) },
      params: {
        ...{ rows, columns, in_h: height, in_w: width, out_h: outHeight, out_w: outWidth },
        ...{ stride_h: stride[0], stride_w: stride[1], taps_h: down.count, taps_w: across.count },
        ...{ shift_h: down.shift, shift_w: across.shift, back_h: down.back, back_w: across.back },
        tap: (kernel[0] - 1 - down.first) * kernel[1] + kernel[1] - 1 - across.first,
        tap_down: down.step * kernel[1],
        tap_across: across.step,
      },
      workgroups: inPlane(Math.ceil((groupCount(dx) * 4) / tile), Math.ceil((images * rows * columns) / tile)),
    };
  });
}

function inPlane(across: number, count: number): [number, number, number] {
  const [down, deep] = spread(count);
  return [across, down, deep];
}

/**
 * The taps that reach a phase along an axis: the first of them, their number, and the distance between them, in taps. The t-th reaches pixel
 * r of the phase from r + shift − t · back of dy.
 */
function phaseTaps({ kernel, stride, dilation, padding }: Windows, phase: Pair, axis: 0 | 1) {
  const ahead = (tap: number) => phase[axis] + padding[axis] - tap * dilation[axis];
  const taps = Array.from({ length: kernel[axis] }, (_, tap) => tap).filter((tap) => ahead(tap) % stride[axis] === 0);
  const [first = 0, second = first] = taps;
  const step = second - first;
  return {
    first,
    count: taps.length,
    step,
    shift: taps.length > 0 ? ahead(first) / stride[axis] : 0,
    back: (step * dilation[axis]) / stride[axis],
  };
}
