/**
 * 2-D convolution with the operations that may be fused into it: an affine map and ReLU on load (DenseNet's norm → relu → conv, in which
 * the norm cannot be folded into weights), and bias, residual and activation on store.
 */

import { InputError } from '../../errors.js';
import { createNode, type GraphBuilder, type Node } from '../../graph/ir/graph.js';
import type { Dispatch, Lowering, Operation } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeShape,
  elementCount,
  groupCount,
  segmentsOf,
  type Tensor,
} from '../../graph/ir/tensor.js';
import { checkOptions, optionKinds } from '../../options.js';
import { forward as foldConv2d } from '../packing/fold_conv2d.js';
import { forward as packAffine } from '../packing/pack_affine.js';
import { forward as packConv2d } from '../packing/pack_conv2d.js';
import { channelLanes, packLanes } from '../packing/pack_lanes.js';
import { bestFirst } from '../variants.js';
import {
  checkWindows,
  type Pair,
  pair,
  type Sides,
  sides,
  type Windows,
  windowCounts,
  windowParams,
  windowRows,
  windowShape,
  windowSpan,
} from '../windows.js';
import { type Activation, activationParams, keepsZero } from './activations.js';
import { CONV2D_INPUTS, type Conv2dAttributes, type Conv2dInputs, geometry } from './conv2d.attributes.js';
import { dispatchSplit, splitsOf } from './conv2d.split.js';
import { holdsTexture, texels } from './conv2d.texture.js';
import { CONV2D_VARIANTS, type Conv2dVariant, isDepthwise, isRagged, workgroupsOf } from './conv2d.variants.js';
import { type Conv2dCommon, lowerWinograd } from './conv2d.winograd.js';

/** Sizes in pixels: one for both axes, or vertical and horizontal; padding also as top, left, bottom and right. */
export interface Conv2dOptions {
  stride?: number | Pair;
  dilation?: number | Pair;
  padding?: number | Pair | Sides;
  groups?: number;
  name?: string;
}

const OPTIONS = optionKinds<Conv2dOptions>({
  stride: 'a number or a list of numbers',
  dilation: 'a number or a list of numbers',
  padding: 'a number or a list of numbers',
  groups: 'a whole number from 1 on',
  name: 'a text',
});

/**
 * Adds a convolution.
 * @param x [n, h, w, inputs] nhwc4.
 * @param weight [outputs, inputs / groups, kernelHeight, kernelWidth] dense; or [outputs, inputs / groups], a layer on the channels of each
 *   pixel, as PyTorch's Linear is on the last dimension.
 * @param bias [outputs] dense, or undefined.
 */
export function conv2d(g: GraphBuilder, x: Tensor, weight: Tensor, bias?: Tensor, options: Conv2dOptions = {}): Tensor {
  checkOptions('conv2d', options, OPTIONS);
  const { stride = 1, dilation = 1, padding = 0, groups = 1, name } = options;
  const attributes: Conv2dAttributes = {
    stride: pair(stride),
    dilation: pair(dilation),
    padding: sides(padding),
    groups,
  };
  return g.apply(forward, [x, weight, bias], attributes, name);
}

export const forward: Operation<Conv2dAttributes, Conv2dInputs> = {
  name: 'conv2d',
  inputs: CONV2D_INPUTS,

  infer([x, weight, bias, residual, affine], { stride, dilation, padding, groups, prologue }) {
    if (x.shape.length !== 4 || x.layout !== 'nhwc4') throw new InputError('input', { expected: 'nhwc4 [n, h, w, c]' });
    const [images, height, width, channels] = x.shape;
    const [outputs, groupInputs, kernelHeight, kernelWidth] = windowShape(weight);
    const grouped = Number.isInteger(groups) && groupInputs * groups === channels && outputs % groups === 0;
    const isWindowOrMatrix = weight.shape.length === 4 || weight.shape.length === 2;
    if (!grouped || !isWindowOrMatrix || weight.layout !== 'dense' || weight.type !== 'f32') {
      throw new InputError('weights do not fit the input', {
        expected: `[outputs, ${channels / groups}, kernel, kernel] or [outputs, ${channels / groups}] for ${channels} channels in ${groups} group(s)`,
        given: describeShape(weight),
      });
    }
    if (bias && elementCount(bias) !== outputs) {
      throw new InputError('bias', { expected: `[${outputs}]`, given: describeShape(bias) });
    }
    // A scale and a shift for each lane. Kernels that read single lanes do not support it.
    if (prologue && (affine?.shape[1] !== groupCount(x) * 4 || isRagged(x, weight, groups))) {
      throw new InputError('prologue', { expected: `[2, ${groupCount(x) * 4}], and groups of whole vec4s` });
    }
    const windows: Windows = { kernel: [kernelHeight, kernelWidth], stride, dilation, padding };
    checkWindows('convolution window', windows, -Math.max(height, width)); // in gradients, padding may be negative, which crops
    const [outHeight, outWidth] = windowCounts(windows, [height, width]);
    if (outHeight < 1 || outWidth < 1) {
      throw new InputError('the window is larger than the padded input', {
        expected: `at least ${windowSpan(kernelHeight, dilation[0])} × ${windowSpan(kernelWidth, dilation[1])}`,
        given: `${height + padding[0] + padding[2]} × ${width + padding[1] + padding[3]}`,
        hint: 'use a larger input size',
      });
    }
    const output = { shape: [images, outHeight, outWidth, outputs], layout: 'nhwc4', type: x.type } as const;
    const plain = residual?.layout === 'nhwc4' && segmentsOf(residual).length === 1;
    if (residual && (!plain || describeShape(residual) !== describeShape(output))) {
      throw new InputError('residual', {
        expected: `${describeShape(output)} without holes`,
        given: describeShape(residual),
      });
    }
    return [output];
  },

  flops(node) {
    const { groupInputs, kernelHeight, kernelWidth } = geometry(node);
    return 2 * elementCount(node.outputs[0]) * groupInputs * kernelHeight * kernelWidth;
  },

  variants: (node, traits, isConstant) => bestFirst(CONV2D_VARIANTS, node, traits, isConstant),
  packing(variant, { fastTexels }) {
    const { winograd, readsTextures } = CONV2D_VARIANTS[variant];
    return `${winograd?.tile}${fastTexels && readsTextures ? ' texture' : ''}`;
  },
  variantBounds: { winograd4_subgroup: 1e-10, winograd4_tiled: 1e-10 },

  lower(node, context) {
    const variant = CONV2D_VARIANTS[context.variant];
    const common = commonOf(node, context, variant);
    if (variant.winograd) lowerWinograd(node, context, variant.winograd, common);
    else lowerPlain(node, context, variant, common);
  },

  absorb(node, next) {
    const [x, weight, bias, residual, affine] = node.inputs;
    const { attributes, outputs } = node;
    if (attributes.activation) return undefined;
    if (next.operation.name === 'activation') {
      const { activation } = next.attributes as { activation: Activation };
      if (!keepsZero(activation)) return undefined;
      return [{ ...node, attributes: { ...attributes, activation } } as Node<object>];
    }
    if (residual) return undefined;
    if (next.operation.name === 'add') {
      const other = next.inputs.find((tensor) => tensor !== outputs[0]);
      if (!other || segmentsOf(other).length > 1 || other.shape.join() !== outputs[0].shape.join()) return undefined;
      return [{ ...node, inputs: [x, weight, bias, other, affine] } as Node<object>];
    }
    if (next.operation.name === 'batch_norm' && next.inputs[0] === outputs[0]) {
      const statistics = next.inputs.slice(1);
      if (!statistics.every((tensor) => tensor?.kind === 'constant')) return undefined;
      const { epsilon, activation } = next.attributes as { epsilon: number; activation?: Activation };
      const folded = createNode(foldConv2d, [weight, bias, ...statistics], { epsilon }, `${weight.name}/folded`);
      const merged = {
        ...node,
        inputs: [x, ...folded.outputs, undefined, affine],
        attributes: { ...attributes, ...(activation ? { activation } : {}) },
      };
      return [folded, merged] as unknown as Node[];
    }
    return undefined;
  },

  absorbInput(node, previous) {
    const [x, weight, bias, residual, affine] = node.inputs;
    if (affine || previous.operation.name !== 'batch_norm' || previous.outputs[0] !== x) return undefined;
    if (isDepthwise(node)) return undefined;
    const [raw, ...statistics] = previous.inputs;
    const { epsilon, activation } = previous.attributes as { epsilon: number; activation?: Activation };
    if (!raw || node.attributes.groups > 1 || (activation && activation.kind !== 'relu')) return undefined;
    const packed = createNode(
      packAffine,
      statistics,
      { epsilon, segments: segmentsOf(raw) },
      `${previous.outputs[0].name}/affine`,
    );
    const prologue = activation ? 'affine_relu' : 'affine';
    const merged = {
      ...node,
      inputs: [raw, weight, bias, residual, packed.outputs[0]],
      attributes: { ...node.attributes, prologue },
    };
    return [packed, merged] as unknown as Node[];
  },
};

/** What the dispatches of a node have in common, for kernels that include conv2d_params.wgsl and conv2d_store.wgsl. */
export function commonOf(
  node: Node<Conv2dAttributes, Conv2dInputs>,
  context: Lowering,
  variant: Pick<Conv2dVariant, 'wide' | 'countsChannels'>,
): Conv2dCommon {
  const [x, weight, bias, residual] = node.inputs;
  const [y] = node.outputs;
  const { inHeight, inWidth, outputs, groupInputs, kernelHeight, kernelWidth, outHeight, outWidth } = geometry(node);
  const { stride, dilation, padding, groups, prologue } = node.attributes;
  const { code, a, b } = activationParams(node.attributes.activation);
  // Weights that change are those of training, where many steps make up for a longer compilation.
  const wide = context.traits.subgroupSize > 4 && (variant.wide || !context.isConstant(weight));
  const slide = stride[1] === 1 && dilation[1] === 1;
  const inGroups = groups === 1 ? groupCount(x) : groupInputs / 4;
  const perGroup = variant.countsChannels
    ? { in_groups: groupInputs, group_outputs: outputs / groups }
    : { in_groups: inGroups, group_outputs: groupCount(y) / groups };
  const windows: Windows = { kernel: [kernelHeight, kernelWidth], stride, dilation, padding };
  return {
    constants: {
      elem: y.type,
      BIAS: Boolean(bias),
      RESIDUAL: Boolean(residual),
      PROLOGUE: prologue ? (prologue === 'affine' ? 1 : 2) : 0,
      ACTIVATION: code,
      PADDED: padding.some((side) => side > 0),
      LANES: groups === 1 && groupCount(x) === 1 ? channelCount(x) : 4,
    },
    params: {
      ...windowParams(windows, [inHeight, inWidth], [outHeight, outWidth]),
      ...{ outputs, ...perGroup, out_groups: groupCount(y), act_a: a, act_b: b },
      ...{ x_offset: 0, x_pitch: 0, y_offset: 0, y_pitch: 0, r_offset: 0, r_pitch: 0, matrix: 0, splits: 0 },
      ...{ x_scale: 0, x_zero: 0 },
    },
    bias: bias && packLanes(context, bias, [outputs]),
    tuning: { ...context.traits, wide, slide, outGroups: groupCount(y) },
    rows: windowRows(windows, [inHeight, inWidth], [outHeight, outWidth]),
  };
}

/** Adds the dispatches of a convolution that one kernel computes. */
function lowerPlain(
  node: Node<Conv2dAttributes, Conv2dInputs>,
  context: Lowering,
  variant: Conv2dVariant,
  common: Conv2dCommon,
): void {
  const [x, weight, , , affine] = node.inputs;
  const segments = variant.packing(x, geometry(node).groupInputs, node.attributes.groups);
  const type = node.outputs[0].type as 'f32';
  const isTexture = holdsTexture(context, variant, weight, type);
  const weights = segments ? context.derive(packConv2d, [weight], { segments, type, isTexture }) : weight;
  // A kernel without packed weights reads single lanes. It has no prologue; the table of its channels' lanes is bound there instead.
  const perChannel = segments ? affine : channelLanes(segmentsOf(x));
  dispatchBands(node, context, variant, common, { x, weights, perChannel });
}

/** What a kernel of a convolution reads besides bias and residual. */
interface Packed {
  /** The input, as the kernel reads it. */
  readonly x: Tensor;
  readonly weights: Tensor;
  readonly perChannel: Tensor | undefined;
}

/** Adds a dispatch for each band of a convolution. */
export function dispatchBands(
  node: Node<Conv2dAttributes, Conv2dInputs>,
  context: Lowering,
  variant: Pick<Conv2dVariant, 'kernel' | 'tile' | 'strip' | 'constants' | 'splits'>,
  { constants, params, bias, tuning, rows }: Conv2dCommon,
  { x, weights, perChannel }: Packed,
): void {
  const [, , , residual] = node.inputs;
  const [y] = node.outputs;
  for (const range of context.bands(y, [
    [x, rows],
    [residual, (own) => own],
  ])) {
    const input = context.read(x, rows(range));
    const added = context.read(residual, range);
    const output = context.write(y, range);
    const whole: Dispatch = {
      kernel: variant.kernel,
      constants: { ...constants, ...texels(weights), ...variant.constants?.(tuning) },
      bindings: [input, context.read(weights), context.read(bias), added, context.read(perChannel), output],
      params: {
        ...params,
        first: range[0],
        count: range[1] - range[0],
        ...{ x_offset: input.offset, x_pitch: input.pitch, y_offset: output.offset, y_pitch: output.pitch },
        ...{ r_offset: added.offset, r_pitch: added.pitch },
      },
      workgroups: workgroupsOf(variant, y, range, tuning),
    };
    if (variant.splits) dispatchSplit(context, splitsOf(node, variant.tile!(tuning)), whole);
    else context.dispatch(whole);
  }
}
