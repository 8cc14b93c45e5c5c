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
import { CONV2D_VARIANTS, type Tuning, type Winograd, workgroupsOf } from './conv2d.variants.js';

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
export function lowerWinograd(
  node: Node<Conv2dAttributes, Conv2dInputs>,
  context: Lowering,
  { tile, product }: Winograd,
  common: Conv2dCommon,
): void {
  const [x, weight, , residual, affine] = node.inputs;
  const [y] = node.outputs;
  const { outHeight, outWidth } = geometry(node);
  const { constants, params, tuning } = common;
  const multiply = CONV2D_VARIANTS[product];
  const packed = context.derive(packWinograd, [weight], { segments: segmentsOf(x), tile });
  const [inGroups, outGroups] = [groupCount(x), groupCount(y)];
  const products = (tile + 2) ** 2;
  const [wide, high] = [Math.ceil(outWidth / tile), Math.ceil(outHeight / tile)];
  // A workgroup of the multiplication must not reach into the next image.
  const [block] = multiply.tile!(tuning);
  const tilesOf = (rows: number) => Math.ceil((rows * wide) / block) * block;
  const all = y.shape[0] * high;
  const fits = (rows: number) =>
    tilesOf(rows) * products * Math.max(inGroups, outGroups) * 16 <= scratchBytes(context.traits);
  let rows = Math.min(all, bandRows(node, context, tile, common));
  while (rows > 1 && !fits(rows)) rows = Math.ceil(rows / 2);

  const scratch = (name: string, groups: number) =>
    context.scratch(name, { shape: [products, 1, tilesOf(rows), groups * 4], layout: 'nhwc4', type: 'f32' });
  const v = scratch('transformed', inGroups);
  const m = scratch('products', outGroups);
  const none = context.read(undefined);
  const pixelOf = (row: number) => (Math.floor(row / high) * outHeight + (row % high) * tile) * outWidth;
  for (let row = 0; row < all; row += rows) {
    const end = Math.min(row + rows, all);
    const range: Range = [pixelOf(row), pixelOf(end)];
    const tiles = tilesOf(end - row);
    const band = { ...params, first: range[0], count: range[1] - range[0] };
    const transform = { elem: y.type, TILE: tile, FOUR: tile === 4 };
    const input = context.read(x, common.rows(range));
    context.dispatch({
      kernel: winograd_input,
      constants: { ...transform, PROLOGUE: constants.PROLOGUE },
      bindings: [input, none, none, none, context.read(affine), context.write(v)],
      params: { ...band, x_offset: input.offset, x_pitch: input.pitch, matrix: tiles * inGroups },
      workgroups: spread(Math.ceil((tiles * inGroups * 4) / 64)),
      flops: tiles * inGroups * 4 * products * 4,
    });
    const pixels: Range = [0, products * tiles];
    const pixelwise: Windows = { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0] };
    context.dispatch({
      kernel: multiply.kernel,
      constants: {
        ...{ elem: 'f32', BIAS: false, RESIDUAL: false, PROLOGUE: 0, ACTIVATION: 0, PADDED: false },
        ...multiply.constants?.(tuning),
      },
      bindings: [context.read(v), context.read(packed), none, none, none, context.write(m)],
      params: {
        ...params,
        ...windowParams(pixelwise, [1, tiles], [1, tiles]),
        ...{ first: 0, count: products * tiles, matrix: inGroups * 4 * outGroups },
        ...{ x_offset: 0, x_pitch: inGroups, y_offset: 0, y_pitch: outGroups, r_offset: 0, r_pitch: 0 },
      },
      workgroups: workgroupsOf(multiply, { ...m, shape: [products, 1, tiles, outGroups * 4] }, pixels, tuning),
    });
    const [output, added] = [context.write(y, range), context.read(residual, range)];
    context.dispatch({
      kernel: winograd_output,
      constants: {
        ...transform,
        ...{ BIAS: constants.BIAS, RESIDUAL: constants.RESIDUAL, ACTIVATION: constants.ACTIVATION },
      },
      bindings: [context.read(m), none, context.read(common.bias), added, none, output],
      params: {
        ...band,
        ...{ y_offset: output.offset, y_pitch: output.pitch, r_offset: added.offset, r_pitch: added.pitch },
        matrix: tiles * outGroups,
      },
      workgroups: spread(Math.ceil((tiles * outGroups * 4) / 64)),
      flops: tiles * outGroups * 4 * products * 4,
    });
  }
}

/** The largest size in bytes of the transformed tiles of a round. On CPUs they should stay in the cache from step to step. */
const scratchBytes = ({ software, maxBindingBytes }: Lowering['traits']) =>
  Math.min(maxBindingBytes, (software ? 8 : 64) << 20);

/** How many rows of tiles of inputs and outputs can be bound at once. */
function bandRows(
  node: Node<Conv2dAttributes, Conv2dInputs>,
  context: Lowering,
  tile: number,
  common: Conv2dCommon,
): number {
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
