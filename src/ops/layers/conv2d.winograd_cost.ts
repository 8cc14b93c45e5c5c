/** What Winograd's method costs on a CPU beside the subgroup kernel, in time and memory, so that a layer takes it only where it pays. */
import type { Node } from '../../graph/ir/graph.js';
import type { Traits } from '../../graph/ir/operation.js';
import { elementCount, groupCount, pixelCount } from '../../graph/ir/tensor.js';
import type { Conv2dAttributes, Conv2dInputs } from './conv2d.attributes.js';

type Conv2dNode = Node<Conv2dAttributes, Conv2dInputs>;

/** Multiply-adds of a layer, for each image, below which nothing makes up for compiling three more kernels. */
const WORTH_COMPILING = 50e6;

/**
 * Multiply-adds that have to be saved for each byte of memory that is added. What is added to a network is thus bounded by its work, and layers with
 * many channels and few pixels, which save little for many bytes, are the first to keep their plain weights.
 */
const WORTH_OF_A_BYTE = 8;

/** Whether a layer has so much work that the kernels of Winograd's method are worth compiling for it. */
export const isWorthCompiling = (node: Conv2dNode) => multiplyAdds(node) >= WORTH_COMPILING;

/** Tiles that a workgroup of the subgroup kernel multiplies. */
export const subgroupBlock = ({ subgroupSize }: Traits) => (subgroupSize > 4 ? 16 : 8);

/**
 * Estimates the time of Winograd's method as a share of the subgroup kernel's, and adds what its memory is worth in the same unit. The constants of the
 * time were fitted to measurements on llvmpipe and SwiftShader (bench/README.md).
 */
export function winogradCost(node: Conv2dNode, tile: number, traits: Traits): number {
  const {
    inputs: [x],
    outputs: [y],
  } = node;
  const [, height, width] = y.shape;
  const tiles = Math.ceil(height / tile) * Math.ceil(width / tile);
  const [inputs, outputs] = [groupCount(x) * 4, groupCount(y) * 4];
  const block = subgroupBlock(traits);
  const wideSaves = traits.subgroupSize > 4 ? 0.77 : 1; // the kernel of 16 pixels
  const transform = traits.subgroupSize > 4 ? 52 : 26; // multiply-adds in whose time a number is transformed
  const multiplied = Math.ceil(tiles / block) * block * inputs * outputs * wideSaves;
  const transformed = tiles * (inputs + outputs) * transform;
  const time = ((tile + 2) ** 2 * (multiplied + transformed)) / (9 * height * width * inputs * outputs);
  return time + (addedBytes(node, tile) * WORTH_OF_A_BYTE) / multiplyAdds(node);
}

// All of these numbers are for one image, so that plans for other batch sizes choose the same kernels, and find their weights packed.
const multiplyAdds = ({ inputs: [, weight], outputs: [y] }: Conv2dNode) =>
  (pixelCount(y) / y.shape[0]) * elementCount(weight);

/** By how many bytes transformed weights are larger than those of the other kernels. */
const addedBytes = ({ inputs: [x], outputs: [y] }: Conv2dNode, tile: number) =>
  ((tile + 2) ** 2 - 9) * groupCount(x) * groupCount(y) * 64;
