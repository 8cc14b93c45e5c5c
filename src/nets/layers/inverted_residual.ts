/**
 * The block of mobile networks: a 1×1 convolution to more channels, a depthwise convolution, sometimes squeeze-and-excitation, and a 1×1
 * convolution back to fewer channels, without activation. The input is added to the result if both have the same shape. Source: Sandler et al.,
 * MobileNetV2: inverted residuals and linear bottlenecks, 2018.
 */
import { InputError } from '../../errors.js';
import { type Check, fields, isSize, oneOf, optional } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import type { Activation } from '../../ops/layers/activations.js';
import { sum } from '../../ops/layers/add.js';
import type { Shapes } from '../family.js';
import { convolutionShape } from '../recognise/shapes.js';
import { convolutionNorm, type SqueezeOptions, squeezeExcitation } from './layers.js';

export type InvertedResidual = {
  /** Channels of the depthwise convolution. If the block's input has as many, most families leave out the first 1×1 convolution. */
  expanded: number;
  /** The side of the depthwise convolution's kernel. */
  kernel: number;
  stride: number;
  outputs: number;
  /** Channels between the layers of squeeze-and-excitation; left out if the block has none. */
  squeeze?: number;
};

/** A check whether a value describes a block. */
export const isInvertedResidual = (): Check =>
  fields({ expanded: isSize, kernel: isSize, stride: oneOf(1, 2), outputs: isSize, squeeze: optional(isSize) });

type Names = readonly [conv: string, norm: string];

/** The names of a block's layers: of each convolution with its norm, and of the module of squeeze-and-excitation. */
export interface BlockNames {
  /** Left out if the block has no such layer. */
  expand?: Names;
  depthwise: Names;
  squeeze?: string;
  project: Names;
}

export interface BlockOptions extends Partial<Omit<SqueezeOptions, 'squeeze' | 'activation'>> {
  name: string;
  names: BlockNames;
  activation: Activation;
  /** The activation between the layers of squeeze-and-excitation. */
  inner?: Activation;
  /** The epsilon of all norms. */
  epsilon?: number;
  /** The momentum of all norms in training. */
  momentum?: number;
}

/** Adds a block. */
export function invertedResidual(
  g: GraphBuilder,
  x: Tensor,
  { expanded, kernel, stride, outputs, squeeze }: InvertedResidual,
  { name, names, activation, inner, gate, epsilon, momentum }: BlockOptions,
): Tensor {
  const norms = { epsilon, momentum };
  let y = x;
  if (names.expand) y = convolutionNorm(g, y, names.expand, { outputs: expanded, kernel: 1, ...norms, activation });
  const depthwise = { outputs: expanded, kernel, stride, groups: expanded };
  y = convolutionNorm(g, y, names.depthwise, { ...depthwise, ...norms, activation });
  if (squeeze !== undefined && names.squeeze !== undefined && inner && gate)
    y = squeezeExcitation(g, y, names.squeeze, { squeeze, activation: inner, gate });
  y = convolutionNorm(g, y, names.project, { outputs, kernel: 1, ...norms });
  return stride === 1 && channelCount(x) === outputs ? sum(g, y, x, name) : y;
}

/** The names in torchvision's MobileNetV3 and EfficientNet, where the layers of a block are numbered. Layers that it lacks get no number. */
export function numberedNames(name: string, hasExpansion: boolean, hasSqueeze: boolean): BlockNames {
  let next = 0;
  const pair = (): Names => {
    const layer = `${name}.block.${next++}`;
    return [`${layer}.0`, `${layer}.1`];
  };
  return {
    ...(hasExpansion ? { expand: pair() } : {}),
    depthwise: pair(),
    ...(hasSqueeze ? { squeeze: `${name}.block.${next++}` } : {}),
    project: pair(),
  };
}

/** Reads a block from the shapes of its tensors, which do not show its stride. @throws InputError if it is another kind of block */
export function readInvertedResidual(tensors: Shapes, names: BlockNames, stride: number): InvertedResidual {
  const [expanded, perGroup, kernel] = convolutionShape(tensors, names.depthwise[0]);
  if (perGroup !== 1)
    throw new InputError(`the checkpoint's ${names.depthwise[0]} is not a depthwise convolution`, {
      expected: `${expanded}×1×${kernel}×${kernel}`,
      given: convolutionShape(tensors, names.depthwise[0]).join('×'),
      hint: 'a block whose expansion and depthwise convolution are one, as EfficientNetV2 has it, is not supported',
    });
  const [outputs] = convolutionShape(tensors, names.project[0]);
  const squeeze = names.squeeze === undefined ? {} : { squeeze: convolutionShape(tensors, `${names.squeeze}.fc1`)[0] };
  return { expanded, kernel, stride, outputs, ...squeeze };
}

/** The same for a block whose layers are numbered. How many there are shows which of them the block has. */
export function readNumbered(tensors: Shapes, name: string, stride: number): InvertedResidual {
  const hasSqueeze = [1, 2].find((index) => tensors.has(`${name}.block.${index}.fc1.weight`));
  const count = [0, 1, 2, 3, 4].find(
    (index) => !['0', 'fc1'].some((part) => tensors.has(`${name}.block.${index}.${part}.weight`)),
  );
  const hasExpansion = (count ?? 5) - (hasSqueeze === undefined ? 2 : 3) > 0;
  return readInvertedResidual(tensors, numberedNames(name, hasExpansion, hasSqueeze !== undefined), stride);
}

/**
 * The nearest multiple of 8 that is at least nine tenths of a number of channels. The numbers of channels of networks that are scaled in
 * width are rounded in this way.
 */
export function rounded(channels: number): number {
  const nearest = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return nearest >= 0.9 * channels ? nearest : nearest + 8;
}

/**
 * The strides of blocks. No shape shows them, so they are those of torchvision's network, if it has as many blocks.
 * @throws InputError if not
 */
export function usualStrides(what: string, count: number, usual: readonly number[]): readonly number[] {
  if (count === usual.length) return usual;
  throw new InputError(`cannot tell the strides of the checkpoint's ${what}`, {
    expected: `${usual.length} of them, as torchvision's network has`,
    given: String(count),
    hint: 'give the architecture in the options',
  });
}
