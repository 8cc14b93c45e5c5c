/**
 * A 3×3 convolution by Winograd's method (kernels/include/winograd.wgsl) in three steps: the inputs of tiles are transformed, multiplied by
 * transformed weights, and the products transformed into outputs. The multiplication is a 1×1 convolution of as many images as a tile has
 * products. Their pixels are the tiles, and each image has weights of its own. Kernels of ordinary convolutions compute it.
 */
import { InputError } from '../../errors.js';
import { winograd_input } from '../../generated/kernels/winograd_input.js';
import { winograd_output } from '../../generated/kernels/winograd_output.js';
import type { Node } from '../../graph/ir/graph.js';
import { type Dispatch, type Lowering, type Range, spread } from '../../graph/ir/operation.js';
import { groupCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { forward as packWinograd } from '../packing/pack_winograd.js';
import { type Windows, windowParams } from '../windows.js';
import { type Conv2dAttributes, type Conv2dInputs, geometry } from './conv2d.attributes.js';
import { holdsTexture, texels } from './conv2d.texture.js';
import { CONV2D_VARIANTS, type Tuning, type Winograd, workgroupsOf } from './conv2d.variants.js';

type Conv2dNode = Node<Conv2dAttributes, Conv2dInputs>;

/** What all dispatches of a convolution have in common. */
export interface Conv2dCommon {
  readonly constants: Dispatch['constants'];
  readonly params: Dispatch['params'];
  readonly bias: Tensor | undefined;
  readonly tuning: Tuning;
  /** The input pixels that a range of output pixels reads. */
  rows(range: Range): Range;
}

/** Adds the dispatches of a convolution, in rounds that each compute some rows of tiles. */
export function lowerWinograd(node: Conv2dNode, context: Lowering, winograd: Winograd, common: Conv2dCommon): void {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const { tile, product } = winograd;
  const { outHeight, outWidth } = geometry(node);
  const [wide, high] = [Math.ceil(outWidth / tile), Math.ceil(outHeight / tile)];
  const [inGroups, outGroups] = [groupCount(x), groupCount(y)];
  const products = (tile + 2) ** 2;
  // A workgroup of the multiplication must not reach into the next image.
  const [block] = CONV2D_VARIANTS[product].tile!(common.tuning);
  const tilesOf = (rows: number) => Math.ceil((rows * wide) / block) * block;
  const all = y.shape[0] * high;
  const fits = (rows: number) =>
    tilesOf(rows) * products * Math.max(inGroups, outGroups) * 16 <= scratchBytes(context.traits);
  let rows = Math.min(all, bandRows(node, context, tile, common));
  while (rows > 1 && !fits(rows)) rows = Math.ceil(rows / 2);

  const scratch = (name: string, groups: number) =>
    context.scratch(name, { shape: [products, 1, tilesOf(rows), groups * 4], layout: 'nhwc4', type: 'f32' });
  const [transformed, multiplied] = [scratch('transformed', inGroups), scratch('products', outGroups)];
  const pixelOf = (row: number) => (Math.floor(row / high) * outHeight + (row % high) * tile) * outWidth;
  for (let row = 0; row < all; row += rows) {
    const end = Math.min(row + rows, all);
    const round = { ...winograd, pixels: [pixelOf(row), pixelOf(end)] as const, tiles: tilesOf(end - row) };
    transformInputs(node, context, transformed, round, common);
    multiply(node, context, [transformed, multiplied], round, common);
    transformOutputs(node, context, multiplied, round, common);
  }
}

interface Round extends Winograd {
  /** Output pixels, which are whole rows of tiles. */
  readonly pixels: Range;
  /** Their tiles, and those that fill up the last workgroup of the multiplication. */
  readonly tiles: number;
}

const transform = (node: Conv2dNode, { tile }: Round, { traits }: Lowering) => ({
  elem: node.outputs[0].type,
  TILE: tile,
  FOUR: tile === 4,
  ROLLED: traits.software,
});

function transformInputs(node: Conv2dNode, context: Lowering, to: Tensor, round: Round, common: Conv2dCommon): void {
  const [x, , , , affine] = node.inputs;
  const { pixels, tiles, tile } = round;
  const groups = groupCount(x);
  const input = context.read(x, common.rows(pixels));
  const none = context.read(undefined);
  context.dispatch({
    kernel: winograd_input,
    constants: { ...transform(node, round, context), PROLOGUE: common.constants.PROLOGUE },
    bindings: [input, none, none, none, context.read(affine), context.write(to)],
    params: {
      ...common.params,
      ...{ first: pixels[0], count: pixels[1] - pixels[0] },
      ...{ x_offset: input.offset, x_pitch: input.pitch, matrix: tiles * groups },
    },
    workgroups: spread(Math.ceil((tiles * groups * 4) / 64)),
    flops: tiles * groups * 4 * (tile + 2) ** 2 * 4,
  });
}

function multiply(
  node: Conv2dNode,
  context: Lowering,
  [from, to]: readonly [Tensor, Tensor],
  { tile, tiles, product }: Round,
  { params, tuning }: Conv2dCommon,
): void {
  const [x, weight] = node.inputs;
  const [y] = node.outputs;
  const variant = CONV2D_VARIANTS[product];
  const [inGroups, outGroups] = [groupCount(x), groupCount(y)];
  const isTexture = holdsTexture(context, variant, weight, 'f32');
  const packed = context.derive(packWinograd, [weight], { segments: segmentsOf(x), tile, isTexture });
  const count = (tile + 2) ** 2 * tiles;
  const none = context.read(undefined);
  const pixelwise: Windows = { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0] };
  context.dispatch({
    kernel: variant.kernel,
    constants: {
      ...{ elem: 'f32', BIAS: false, RESIDUAL: false, PROLOGUE: 0, ACTIVATION: 0, PADDED: false, LANES: 4 },
      ...texels(packed),
      ...variant.constants?.(tuning),
    },
    bindings: [context.read(from), context.read(packed), none, none, none, context.write(to)],
    params: {
      ...params,
      ...windowParams(pixelwise, [1, tiles], [1, tiles]),
      ...{ first: 0, count, matrix: inGroups * 4 * outGroups, x_pitch: inGroups, y_pitch: outGroups },
    },
    workgroups: workgroupsOf(variant, { ...to, shape: [1, 1, count, outGroups * 4] }, [0, count], tuning),
  });
}

function transformOutputs(node: Conv2dNode, context: Lowering, from: Tensor, round: Round, common: Conv2dCommon): void {
  const [y] = node.outputs;
  const { pixels, tiles, tile } = round;
  const { BIAS, RESIDUAL, ACTIVATION } = common.constants;
  const groups = groupCount(y);
  const [output, added] = [context.write(y, pixels), context.read(node.inputs[3], pixels)];
  const none = context.read(undefined);
  context.dispatch({
    kernel: winograd_output,
    constants: { ...transform(node, round, context), BIAS, RESIDUAL, ACTIVATION },
    bindings: [context.read(from), none, context.read(common.bias), added, none, output],
    params: {
      ...common.params,
      ...{ first: pixels[0], count: pixels[1] - pixels[0], matrix: tiles * groups },
      ...{ y_offset: output.offset, y_pitch: output.pitch, r_offset: added.offset, r_pitch: added.pitch },
    },
    workgroups: spread(Math.ceil((tiles * groups * 4) / 64)),
    flops: tiles * groups * 4 * (tile + 2) ** 2 * 4,
  });
}

/** The largest size in bytes of the transformed tiles of a round. On CPUs they should stay in the cache from step to step. */
const scratchBytes = ({ software, maxBindingBytes }: Lowering['traits']) =>
  Math.min(maxBindingBytes, (software ? 8 : 64) << 20);

/** How many rows of tiles of inputs and outputs can be bound at once. */
function bandRows(node: Conv2dNode, context: Lowering, tile: number, common: Conv2dCommon): number {
  const [x, , , residual] = node.inputs;
  const [y] = node.outputs;
  const bands = context.bands(y, [
    [x, (range) => common.rows(range)],
    [residual, (range) => range],
  ]);
  if (bands.length === 1) return Number.POSITIVE_INFINITY;
  const rows = Math.floor(Math.min(...bands.map(([from, to]) => to - from)) / (y.shape[2] * tile));
  if (rows > 0) return rows;
  throw new InputError(`conv2d: ${tile} rows of ${y.name} cannot be bound at once`, { hint: 'use a smaller image' });
}
