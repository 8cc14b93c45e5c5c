/**
 * The kernels of a convolution, with a row for each: which nodes it can run, how good it is for them, how weights have to be packed, and
 * which part of the output a workgroup owns. Choosing, lowering and `raybox verify` all use this table.
 */
import { conv2d_depthwise } from '../../generated/kernels/conv2d_depthwise.js';
import { conv2d_direct } from '../../generated/kernels/conv2d_direct.js';
import { conv2d_grouped } from '../../generated/kernels/conv2d_grouped.js';
import { conv2d_subgroup } from '../../generated/kernels/conv2d_subgroup.js';
import { conv2d_tiled } from '../../generated/kernels/conv2d_tiled.js';
import type { Constants, Kernel } from '../../gpu/wgsl.js';
import type { Node } from '../../graph/ir/graph.js';
import { type Range, spread, type Traits } from '../../graph/ir/operation.js';
import { groupCount, pixelCount, segmentsOf, type Tensor } from '../../graph/ir/tensor.js';
import type { VariantRow } from '../variants.js';
import type { Conv2dAttributes, Conv2dInputs } from './conv2d.attributes.js';

/** The properties that tile sizes depend on. */
export interface Tuning {
  readonly subgroupSize: number;
  /** Whether to use the longer kernel, which computes twice as many pixels in a workgroup. */
  readonly wide: boolean;
  /** Whether stride and dilation along a row are 1, so that the next window reads each pixel one place further. */
  readonly slide: boolean;
}

export interface Conv2dVariant extends VariantRow<Conv2dAttributes, Conv2dInputs> {
  readonly kernel: Kernel;
  /** Widths of the segments that a filter's channels are packed in; undefined if the kernel reads weights in PyTorch's layout. */
  packing(x: Tensor, groupInputs: number, groups: number): readonly number[] | undefined;
  /** Whether sizes of a convolution group in params are in channels, for kernels that read single lanes. Otherwise they are in vec4s. */
  readonly countsChannels: boolean;
  /** Output pixels and output vec4s of a workgroup. Without it, each of a workgroup's 64 threads owns a vec4 of a pixel, or of a strip. */
  tile?(tuning: Tuning): readonly [pixels: number, vectors: number];
  /** If the kernel computes strips, which are parts of a row of the output: their width. */
  readonly strip?: number;
  /** Constants of its prelude that not all kernels have. */
  constants?(tuning: Tuning): Constants;
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

export const CONV2D_VARIANTS: Readonly<Record<string, Conv2dVariant>> = {
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
    constants: () => TILE,
  },
  subgroup: {
    kernel: conv2d_subgroup,
    fits: (node, { subgroupSize }) => isUngrouped(node) && !isDepthwise(node) && subgroupSize >= 4,
    rank: (node, traits) => (!traits.software ? 2 : leavesLanesIdle(node, traits) ? 1 : 0),
    packing: bySegments,
    countsChannels: false,
    tile: ({ subgroupSize, wide }) => [wide ? 16 : 8, subgroupSize],
    constants: ({ subgroupSize, wide }) => ({
      SUBGROUPS: true,
      SUBGROUP: subgroupSize,
      FOUR_LANES: subgroupSize === 4,
      WIDE: wide,
    }),
  },
};

/** The number of workgroups for a range of output pixels. */
export function workgroupsOf(
  variant: Conv2dVariant,
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
function owners({ strip }: Conv2dVariant, y: Tensor, [from, to]: Range): number {
  if (!strip) return to - from;
  const width = y.shape[2];
  return (Math.ceil(to / width) - Math.floor(from / width)) * Math.ceil(width / strip);
}
