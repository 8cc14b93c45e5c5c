/**
 * The kernels of a convolution, with a row for each: which nodes it can run, how good it is for them, how weights have to be packed, and
 * which part of the output a workgroup owns. Choosing, lowering and `raybox verify` all use this table.
 */
import { conv2d_depthwise } from '../../generated/kernels/conv2d_depthwise.js';
import { conv2d_direct } from '../../generated/kernels/conv2d_direct.js';
import { conv2d_grouped } from '../../generated/kernels/conv2d_grouped.js';
import { conv2d_matrix } from '../../generated/kernels/conv2d_matrix.js';
import { conv2d_subgroup } from '../../generated/kernels/conv2d_subgroup.js';
import { conv2d_tiled } from '../../generated/kernels/conv2d_tiled.js';
import { conv2d_tiled_large } from '../../generated/kernels/conv2d_tiled_large.js';
import type { Constants, Kernel } from '../../gpu/wgsl.js';
import type { Node } from '../../graph/ir/graph.js';
import { type Range, spread, type Traits } from '../../graph/ir/operation.js';
import { groupCount, pixelCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import { hasMatrices, type Matrices, matrixConstants, matrixTile } from '../matrices.js';
import type { VariantRow } from '../variants.js';
import type { Conv2dAttributes, Conv2dInputs } from './conv2d.attributes.js';
import { splitsOf } from './conv2d.split.js';
import { isWorthCompiling, subgroupBlock, winogradCost } from './conv2d.winograd_cost.js';

/** The properties that tile sizes depend on. */
export interface Tuning extends Matrices {
  /** Whether to use the longer kernel, which computes twice as many pixels in a workgroup. */
  readonly wide: boolean;
  /** Output vec4s of a pixel. */
  readonly outGroups: number;
  /** Whether stride and dilation along a row are 1, so that the next window reads each pixel one place further. */
  readonly slide: boolean;
}

/** A kernel of a convolution, as a row of the table. */
export interface Conv2dVariant extends VariantRow<Conv2dAttributes, Conv2dInputs> {
  readonly kernel: Kernel;
  /** Widths of the segments that a filter's channels are packed in; undefined if the kernel reads weights in PyTorch's layout. */
  packing(x: Tensor, groupInputs: number, groups: number): readonly number[] | undefined;
  /** Whether sizes of a convolution group in params are in channels, for kernels that read single lanes. Otherwise they are in vec4s. */
  readonly countsChannels: boolean;
  /** Whether the kernel can read packed weights from a texture. */
  readonly readsTextures?: true;
  /** Whether it is always the longer kernel. */
  readonly wide?: true;
  /** Output pixels and output vec4s of a workgroup. Without it, each of a workgroup's 64 threads owns a vec4 of a pixel, or of a strip. */
  tile?(tuning: Tuning): readonly [pixels: number, vectors: number];
  /** If the kernel computes strips, which are parts of a row of the output: their width. */
  readonly strip?: number;
  /** Constants of its prelude that not all kernels have. */
  constants?(tuning: Tuning): Constants;
  /** Whether workgroups share sums, which a second dispatch adds. */
  readonly splits?: true;
  /** Winograd's method, in which `kernel` only multiplies. */
  readonly winograd?: Winograd;
}

/** How a variant computes by Winograd's method. */
export interface Winograd {
  /** Outputs along a side of a tile. */
  readonly tile: 2 | 4;
  /** The variant whose kernel multiplies. */
  readonly product: 'subgroup' | 'tiled';
}

/**
 * Whether a kernel has to read single lanes, because the channels of a convolution group do not fill whole vec4s or lie in segments with
 * holes between them.
 */
export function isRagged(x: Tensor, weight: Tensor, groups: number): boolean {
  const [outputs, groupInputs] = weight.shape;
  return groups > 1 && (groupInputs % 4 !== 0 || (outputs / groups) % 4 !== 0 || segmentsOf(x).length > 1);
}

/** Whether each output channel has exactly one input channel, of its own. */
export function isDepthwise({
  inputs: [x, weight],
  attributes: { groups },
}: Node<Conv2dAttributes, Conv2dInputs>): boolean {
  const [outputs, groupInputs] = weight.shape;
  return groupInputs === 1 && outputs === groups && segmentsOf(x).length === 1;
}

const picksLanes = ({ inputs: [x, weight], attributes }: Node<Conv2dAttributes, Conv2dInputs>) =>
  isRagged(x, weight, attributes.groups);

const isUngrouped = ({ attributes }: Node<Conv2dAttributes, Conv2dInputs>) => attributes.groups === 1;

/** Whether there are too few output channels for a subgroup, in which each lane needs a vec4 of them. */
const leavesLanesIdle = ({ outputs: [y] }: Node<Conv2dAttributes, Conv2dInputs>, { subgroupSize }: Traits) =>
  groupCount(y) * 2 <= subgroupSize;

/** Whether the output is too small to fill tiles. */
const isSmall = ({ outputs: [y] }: Node<Conv2dAttributes, Conv2dInputs>) => pixelCount(y) * groupCount(y) < 64 * 16;

const bySegments = (x: Tensor, groupInputs: number, groups: number) => (groups === 1 ? segmentsOf(x) : [groupInputs]);

/** Tile of the workgroup-memory kernel: output pixels × output vec4 groups, input lanes at a time. */
const TILE = { TILE_PIXELS: 64, TILE_GROUPS: 16, TILE_LANES: 16 } as const;

const PLAIN_VARIANTS: Readonly<Record<string, Conv2dVariant>> = {
  depthwise: {
    kernel: conv2d_depthwise,
    fits: isDepthwise,
    rank: () => 0,
    packing: () => [1],
    countsChannels: true,
    strip: 4,
    constants: ({ slide }) => ({ SLIDE: slide }),
  },
  grouped: {
    kernel: conv2d_grouped,
    fits: (node) => picksLanes(node) && !isDepthwise(node),
    rank: () => 0,
    packing: () => undefined,
    countsChannels: true,
  },
  direct: {
    kernel: conv2d_direct,
    fits: (node) => !picksLanes(node) && !isDepthwise(node),
    rank: (node, traits) => ((traits.software ? leavesLanesIdle(node, traits) : isSmall(node)) ? 0 : 1),
    packing: bySegments,
    countsChannels: false,
    readsTextures: true,
    tile: () => [32, 8],
  },
  // Tiles in workgroup memory make GPUs faster and CPUs slower.
  tiled: {
    kernel: conv2d_tiled,
    fits: (node, { maxInvocations, maxWorkgroupBytes }) =>
      isUngrouped(node) && !isDepthwise(node) && maxInvocations >= 256 && maxWorkgroupBytes >= 16 << 10,
    rank: (node, { software }) => (software ? 2 : isSmall(node) ? 1 : 0),
    packing: bySegments,
    countsChannels: false,
    tile: () => [TILE.TILE_PIXELS, TILE.TILE_GROUPS],
    constants: () => ({ ...TILE, SPLIT: false }),
  },
  subgroup: {
    kernel: conv2d_subgroup,
    fits: (node, { subgroupSize }) => isUngrouped(node) && !isDepthwise(node) && subgroupSize >= 4,
    rank: (node, traits) => (!traits.software ? 2 : leavesLanesIdle(node, traits) ? 1 : 0),
    packing: bySegments,
    countsChannels: false,
    readsTextures: true,
    tile: ({ subgroupSize, wide }) => [wide ? 16 : 8, subgroupSize],
    constants: ({ subgroupSize, wide }) => ({
      SUBGROUPS: true,
      SUBGROUP: subgroupSize,
      FOUR_LANES: subgroupSize === 4,
      WIDE: wide,
    }),
  },
};

/** Whether Winograd's method can compute a node. The bound of its error holds up to 1,024 input channels. */
function isThreeByThree({ inputs: [, weight], attributes }: Node<Conv2dAttributes, Conv2dInputs>) {
  const [, inputs, height, width] = weight.shape;
  const slides = [...attributes.stride, ...attributes.dilation].every((step) => step === 1);
  return slides && attributes.groups === 1 && height === 3 && width === 3 && inputs <= 1024;
}

function winograd(tile: 2 | 4, product: Winograd['product']): Conv2dVariant {
  const multiply = PLAIN_VARIANTS[product];
  return {
    ...multiply,
    fits: (node, traits) =>
      isThreeByThree(node) &&
      multiply.fits(node, traits) &&
      largestBytes(node, tile, blockOf(product, traits)) <= traits.maxBindingBytes,
    rank(node, traits, isConstant) {
      // It was only measured on CPUs. There it has to save a tenth of the time, and more the more memory its weights take.
      const isMeasured = traits.software && product === 'subgroup' && !leavesLanesIdle(node, traits);
      if (!isMeasured || !isConstant(node.inputs[1]) || !isWorthCompiling(node)) return 3;
      return multiply.rank(node, traits, isConstant) + winogradCost(node, tile, traits) - 0.9;
    },
    wide: true, // all layers share the product's kernel, so that compiling it pays
    winograd: { tile, product },
  };
}

/** Whether the longer kernel was measured, and an image has enough outputs for it. Batches of all sizes have to choose the same kernel. */
const fillsWide = ({ outputs: [y] }: Node<Conv2dAttributes, Conv2dInputs>, { software }: Traits) =>
  software && y.shape[1] * y.shape[2] > 8;

/** Tiles that a workgroup of the multiplication owns. */
const blockOf = (product: Winograd['product'], traits: Traits) =>
  product === 'tiled' ? TILE.TILE_PIXELS : subgroupBlock(traits);

/** Bytes of the largest tensor that is bound: the weights, or what lies between the steps for a single row of tiles. */
function largestBytes(
  { inputs: [x], outputs: [y] }: Node<Conv2dAttributes, Conv2dInputs>,
  tile: number,
  block: number,
): number {
  const tiles = Math.ceil(y.shape[2] / tile / block) * block;
  const [inGroups, outGroups] = [groupCount(x), groupCount(y)];
  return (tile + 2) ** 2 * 16 * Math.max(tiles * inGroups, tiles * outGroups, 4 * inGroups * outGroups);
}

/** The tile of the large kernel. It is narrower if there are few output channels. */
const largeTile = (outGroups: number) =>
  ({ TILE_PIXELS: 128, TILE_GROUPS: outGroups > 16 ? 32 : 16, TILE_LANES: 8 }) as const;

/** The table of all kernels, by the names of variants. */
export const CONV2D_VARIANTS: Readonly<Record<string, Conv2dVariant>> = {
  ...PLAIN_VARIANTS,
  // In training, `subgroup` is wide too. The rank says that it takes about .85 of the time, which Winograd's method is compared with.
  subgroup_wide: {
    ...PLAIN_VARIANTS.subgroup,
    wide: true,
    fits: (node, traits) => PLAIN_VARIANTS.subgroup.fits(node, traits) && traits.subgroupSize > 4,
    rank: (...given) => PLAIN_VARIANTS.subgroup.rank(...given) + (fillsWide(given[0], given[1]) ? -0.15 : 0.5),
  },
  // The following are for GPUs, and none was measured yet. They are offered to be measured, and never preferred before.
  tiled_large: {
    ...PLAIN_VARIANTS.tiled,
    kernel: conv2d_tiled_large,
    fits: (node, traits) => PLAIN_VARIANTS.tiled.fits(node, traits) && !isSmall(node),
    rank: () => 3,
    tile({ outGroups }) {
      const { TILE_PIXELS, TILE_GROUPS } = largeTile(outGroups);
      return [TILE_PIXELS, TILE_GROUPS];
    },
    constants: ({ outGroups }) => largeTile(outGroups),
  },
  tiled_split: {
    ...PLAIN_VARIANTS.tiled,
    fits: (node, traits) =>
      PLAIN_VARIANTS.tiled.fits(node, traits) && splitsOf(node, [TILE.TILE_PIXELS, TILE.TILE_GROUPS]) > 1,
    rank: () => 3,
    splits: true,
  },
  matrix: {
    kernel: conv2d_matrix,
    fits: (node, traits) => isUngrouped(node) && !isDepthwise(node) && hasMatrices(node.outputs[0].type, traits),
    rank: () => 3,
    packing: bySegments,
    countsChannels: false,
    tile: (tuning) => [matrixTile('f16', tuning), matrixTile('f16', tuning) / 4],
    constants: (tuning) => matrixConstants('f16', tuning),
  },
  winograd2_subgroup: winograd(2, 'subgroup'),
  winograd2_tiled: winograd(2, 'tiled'),
  winograd4_subgroup: winograd(4, 'subgroup'),
  winograd4_tiled: winograd(4, 'tiled'),
};

/** The number of workgroups for a range of output pixels. */
export function workgroupsOf(
  variant: Pick<Conv2dVariant, 'tile' | 'strip'>,
  y: Tensor,
  [from, to]: Range,
  tuning: Tuning,
): [number, number, number] {
  const vectors = groupCount(y);
  if (!variant.tile) return spread(Math.ceil((owners(variant, y, [from, to]) * vectors) / 64));
  const [tilePixels, tileVectors] = variant.tile(tuning);
  const [rows, layers] = spread(Math.ceil((to - from) / tilePixels));
  return [Math.ceil(vectors / tileVectors), rows, layers];
}

/** How many pixels, or strips of all rows that the range touches. */
function owners({ strip }: Pick<Conv2dVariant, 'strip'>, y: Tensor, [from, to]: Range): number {
  if (!strip) return to - from;
  const width = y.shape[2];
  return (Math.ceil(to / width) - Math.floor(from / width)) * Math.ceil(width / strip);
}
