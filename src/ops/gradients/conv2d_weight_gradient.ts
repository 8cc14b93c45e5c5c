/**
 * Gradient of a convolution by its weights: sums over all output pixels, in f32. The pixels are split into chunks that are summed in
 * parallel; the sums of the chunks are then added in order.
 */
import { InputError } from '../../errors.js';
import { conv2d_weight_gradient } from '../../generated/kernels/conv2d_weight_gradient.js';
import { conv2d_weight_gradient_depthwise } from '../../generated/kernels/conv2d_weight_gradient_depthwise.js';
import { conv2d_weight_gradient_grouped } from '../../generated/kernels/conv2d_weight_gradient_grouped.js';
import { conv2d_weight_gradient_matrix } from '../../generated/kernels/conv2d_weight_gradient_matrix.js';
import { conv2d_weight_gradient_merge } from '../../generated/kernels/conv2d_weight_gradient_merge.js';
import { conv2d_weight_gradient_subgroup } from '../../generated/kernels/conv2d_weight_gradient_subgroup.js';
import { conv2d_weight_gradient_tiled } from '../../generated/kernels/conv2d_weight_gradient_tiled.js';
import { sum_rows } from '../../generated/kernels/sum_rows.js';
import type { Constants, Kernel } from '../../gpu/wgsl.js';
import type { Node } from '../../graph/ir/graph.js';
import { type Lowering, type Operation, spread, type Traits } from '../../graph/ir/operation.js';
import {
  channelCount,
  describeForm,
  elementCount,
  groupCount,
  segmentsOf,
  type Tensor,
} from '../../graph/ir/tensor.js';
import { hasMatrices, matrixConstants, matrixTile } from '../matrices.js';
import { channelLanes, laneMap } from '../packing/pack_lanes.js';
import { bestFirst, type VariantRow } from '../variants.js';
import { type Pair, type Windows, windowCounts, windowParams, windowRows } from '../windows.js';
import { type Chunk, chunksOf, total } from './conv2d_weight_gradient.chunks.js';

export interface Conv2dWeightGradientAttributes extends Windows {
  groups: number;
  /** The weights are a matrix [outputs, inputs / groups], for windows of one pixel. */
  isMatrix?: boolean;
}

const INPUTS = ['x', 'dy'] as const;
export type Conv2dWeightGradientInputs = typeof INPUTS;

/** x: [n, h, w, inputs] nhwc4. dy: [n, oh, ow, outputs] nhwc4. dw: [outputs, inputs / groups, kh, kw] or a matrix, dense f32. */
export const forward: Operation<Conv2dWeightGradientAttributes, typeof INPUTS> = {
  name: 'conv2d_weight_gradient',
  inputs: INPUTS,
  infer([x, dy], attributes) {
    const [images, height, width, inputs] = x.shape;
    const expected = [images, ...windowCounts(attributes, [height, width])];
    const fits = dy.shape.slice(0, 3).join() === expected.join() && segmentsOf(dy).length === 1;
    if (!fits || [x, dy].some(({ layout, type }) => layout !== 'nhwc4' || type !== x.type)) {
      throw new InputError('gradient', {
        expected: `nhwc4 ${x.type} [${expected.join(', ')}, outputs] without holes`,
        given: `${describeForm(dy)} for ${describeForm(x)}`,
      });
    }
    if (inputs % attributes.groups !== 0 || channelCount(dy) % attributes.groups !== 0) {
      throw new InputError('groups', {
        expected: `a divisor of ${inputs} inputs and ${channelCount(dy)} outputs`,
        given: String(attributes.groups),
      });
    }
    const window = attributes.isMatrix ? [] : attributes.kernel;
    const shape = [channelCount(dy), inputs / attributes.groups, ...window];
    return [{ shape, layout: 'dense', type: 'f32' }];
  },
  flops: ({ inputs: [, dy], outputs: [dw] }) => (2 * elementCount(dy) * elementCount(dw)) / channelCount(dy),
  variants: (node, traits) => bestFirst(VARIANTS, node, traits),
  lower(node, context) {
    const { tile } = VARIANTS[context.variant];
    if (tile) lowerVectors(node, context, tile(context.traits));
    else if (context.variant === 'depthwise') lowerDepthwise(node, context);
    else lowerGrouped(node, context);
  },
};

function isRagged({
  inputs: [x],
  outputs: [dw],
  attributes: { groups },
}: Node<Conv2dWeightGradientAttributes, typeof INPUTS>) {
  const [outputs, groupInputs] = dw.shape;
  return groups > 1 && (groupInputs % 4 !== 0 || (outputs / groups) % 4 !== 0 || segmentsOf(x).length > 1);
}

/** Whether each output channel has exactly one input channel, of its own. */
function isDepthwise({
  inputs: [x],
  outputs: [dw],
  attributes: { groups },
}: Node<Conv2dWeightGradientAttributes, typeof INPUTS>) {
  const [outputs, groupInputs] = dw.shape;
  return groupInputs === 1 && outputs === groups && segmentsOf(x).length === 1;
}

interface Tile {
  readonly kernel: Kernel;
  /** Output vec4s and rows of the weights that a workgroup owns. */
  readonly across: number;
  readonly down: number;
  readonly constants?: Constants;
}

interface WeightGradientVariant extends VariantRow<Conv2dWeightGradientAttributes, typeof INPUTS> {
  /** The tile of a workgroup, for kernels that multiply whole vec4s of input channels by vec4s of output channels. */
  tile?(traits: Traits): Tile;
}

const isUngrouped = ({ attributes }: Node<Conv2dWeightGradientAttributes, typeof INPUTS>) => attributes.groups === 1;

/** Whether there are too few output channels for a subgroup, in which each lane needs a vec4 of them. */
const leavesLanesIdle = (
  { inputs: [, dy] }: Node<Conv2dWeightGradientAttributes, typeof INPUTS>,
  { subgroupSize }: Traits,
) => groupCount(dy) * 2 <= subgroupSize;

const VARIANTS: Readonly<Record<string, WeightGradientVariant>> = {
  depthwise: {
    fits: isDepthwise,
    rank: () => 0,
  },
  grouped: {
    fits: (node) => isRagged(node) && !isDepthwise(node),
    rank: () => 0,
  },
  direct: {
    fits: (node) => !isRagged(node) && !isDepthwise(node),
    rank: (node, traits) => (traits.software && leavesLanesIdle(node, traits) ? 0 : 1),
    tile: () => ({ kernel: conv2d_weight_gradient, across: 8, down: 8 }),
  },
  tiled: {
    fits: (node, { maxInvocations }) => isUngrouped(node) && maxInvocations >= 256,
    rank: (_, { software }) => (software ? 2 : 0),
    tile: () => ({ kernel: conv2d_weight_gradient_tiled, across: 16, down: 16 }),
  },
  subgroup: {
    fits: (node, { subgroupSize }) => isUngrouped(node) && subgroupSize >= 4,
    rank: (node, traits) => (!traits.software ? 2 : leavesLanesIdle(node, traits) ? 1 : 0),
    tile: ({ subgroupSize }) => ({
      kernel: conv2d_weight_gradient_subgroup,
      across: subgroupSize,
      down: 4,
      constants: { SUBGROUPS: true, SUBGROUP: subgroupSize, FOUR_LANES: subgroupSize === 4 },
    }),
  },
  // It was not measured yet. It is offered to be measured, and never preferred before.
  matrix: {
    fits: (node, traits) => isUngrouped(node) && hasMatrices(node.inputs[0].type, traits),
    rank: () => 3,
    tile: (traits) => ({
      kernel: conv2d_weight_gradient_matrix,
      across: matrixTile('f16', traits) / 4,
      down: matrixTile('f16', traits) / 4,
      constants: matrixConstants('f16', traits, true),
    }),
  },
};

const sizeOf = ({ shape: [, height, width] }: Tensor): Pair => [height, width];

const rowsOf = (x: Tensor, dy: Tensor, windows: Windows) => windowRows(windows, sizeOf(x), sizeOf(dy));

/** What differs between the kernels of partial sums. */
interface ChunkDispatch {
  readonly kernel: Kernel;
  readonly constants: Constants;
  /** A table of the lanes of x, for kernels that read single lanes. It is bound after x. */
  readonly lanes?: Tensor;
  readonly params: Readonly<Record<string, number>>;
  readonly workgroups: [number, number, number];
}

/** Dispatches the kernel of partial sums for each band's chunks. */
function dispatchChunks(
  { inputs: [x, dy], attributes }: Node<Conv2dWeightGradientAttributes, typeof INPUTS>,
  context: Lowering,
  chunks: readonly Chunk[],
  partial: Tensor,
  dispatchOf: (chunk: Chunk) => ChunkDispatch,
): void {
  const needs = rowsOf(x, dy, attributes);
  for (const chunk of chunks) {
    const { range, size, first } = chunk;
    const { kernel, constants, lanes, params, workgroups } = dispatchOf(chunk);
    const [input, slope] = [context.read(x, needs(range)), context.read(dy, range)];
    context.dispatch({
      kernel,
      constants: { elem: x.type, ...constants },
      bindings: [input, ...(lanes ? [context.read(lanes)] : []), slope, context.write(partial)],
      params: {
        first: range[0],
        count: range[1] - range[0],
        chunk: size,
        first_chunk: first,
        ...windowParams(attributes, sizeOf(x), sizeOf(dy)),
        ...params,
        x_offset: input.offset,
        x_pitch: input.pitch,
        dy_offset: slope.offset,
        dy_pitch: slope.pitch,
      },
      workgroups,
    });
  }
}

function lowerVectors(node: Node<Conv2dWeightGradientAttributes, typeof INPUTS>, context: Lowering, tile: Tile): void {
  const [x, dy] = node.inputs;
  const [dw] = node.outputs;
  const { groups, kernel } = node.attributes;
  const [outputs, inputs] = dw.shape;
  const taps = kernel[0] * kernel[1];
  const segments = groups === 1 ? segmentsOf(x) : [inputs];
  const inGroups = groups === 1 ? groupCount(x) : inputs / 4;
  const outGroups = groupCount(dy);
  const rows = taps * inGroups;
  const [across, down] = [Math.ceil(outGroups / tile.across), Math.ceil(rows / tile.down)];
  const needs = rowsOf(x, dy, node.attributes);
  const bands = context.bands(dy, [[x, needs]]);
  const chunks = chunksOf(bands, across * down, rows * outGroups * 64, context.traits);
  const partial = context.scratch('partial', {
    shape: [total(chunks), taps, inGroups * 4, outGroups * 4],
    layout: 'dense',
    type: 'f32',
  });
  dispatchChunks(node, context, chunks, partial, ({ count }) => ({
    kernel: tile.kernel,
    constants: tile.constants ?? {},
    params: { in_groups: inGroups, out_groups: outGroups, group_outputs: outGroups / groups },
    workgroups: [across, down, count],
  }));
  context.dispatch({
    kernel: conv2d_weight_gradient_merge,
    constants: {},
    bindings: [context.read(partial), context.read(laneMap(segments)), context.write(dw)],
    params: { chunks: total(chunks), taps, in_lanes: inGroups * 4, out_groups: outGroups, outputs, inputs },
    workgroups: spread(Math.ceil((rows * 4 * outGroups) / 64)),
    flops: elementCount(partial),
  });
}

function lowerDepthwise(node: Node<Conv2dWeightGradientAttributes, typeof INPUTS>, context: Lowering): void {
  const [x, dy] = node.inputs;
  const [dw] = node.outputs;
  const { kernel, stride, dilation } = node.attributes;
  const groups = groupCount(dy);
  const taps = kernel[0] * kernel[1];
  const needs = rowsOf(x, dy, node.attributes);
  // A thread owns four taps of a row.
  const threads = groups * kernel[0] * Math.ceil(kernel[1] / 4);
  const chunks = chunksOf(context.bands(dy, [[x, needs]]), Math.ceil(threads / 64), taps * groups * 16, context.traits);
  const partial = context.scratch('partial', {
    shape: [total(chunks), taps, groups * 4],
    layout: 'dense',
    type: 'f32',
  });
  dispatchChunks(node, context, chunks, partial, ({ count }) => ({
    kernel: conv2d_weight_gradient_depthwise,
    constants: { SLIDE: stride[1] === 1 && dilation[1] === 1 },
    params: { groups, chunks: count },
    workgroups: spread(Math.ceil((threads * count) / 64)),
  }));
  context.dispatch({
    kernel: conv2d_weight_gradient_merge,
    constants: {},
    bindings: [context.read(partial), context.read(laneMap([1])), context.write(dw)],
    params: { chunks: total(chunks), taps, in_lanes: 1, out_groups: groups, outputs: dw.shape[0], inputs: 1 },
    workgroups: spread(Math.ceil((taps * groups) / 64)),
    flops: elementCount(partial),
  });
}

function lowerGrouped(node: Node<Conv2dWeightGradientAttributes, typeof INPUTS>, context: Lowering): void {
  const [x, dy] = node.inputs;
  const [dw] = node.outputs;
  const elements = elementCount(dw);
  const needs = rowsOf(x, dy, node.attributes);
  const across = Math.ceil(elements / 64);
  const chunks = chunksOf(context.bands(dy, [[x, needs]]), across, elements * 4, context.traits);
  const partial = context.scratch('partial', { shape: [total(chunks), elements], layout: 'dense', type: 'f32' });
  dispatchChunks(node, context, chunks, partial, ({ count }) => ({
    kernel: conv2d_weight_gradient_grouped,
    constants: {},
    lanes: channelLanes(segmentsOf(x)),
    params: { group_inputs: dw.shape[1], group_outputs: dw.shape[0] / node.attributes.groups, elements },
    workgroups: [across, 1, count],
  }));
  context.dispatch({
    kernel: sum_rows,
    constants: {},
    bindings: [context.read(partial), context.write(dw)],
    params: { rows: total(chunks), columns: elements },
    workgroups: spread(Math.ceil(elements / 64)),
    flops: elementCount(partial),
  });
}
