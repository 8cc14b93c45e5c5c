/**
 * The block that mobile networks are made of: a convolution of one pixel to more channels, a depthwise one, perhaps
 * squeeze-and-excitation, and one of one pixel back, without activation; the input is added where shape and stride allow it. Sandler et
 * al., MobileNetV2: inverted residuals and linear bottlenecks, 2018.
 */
import { InputError } from '../errors.js';
import { type Check, fields, isSize, oneOf, optional } from '../formats/checks.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import type { Activation } from '../ops/layers/activation.js';
import { sum } from '../ops/layers/add.js';
import type { Shapes } from './family.js';
import { convolutionNorm, type SqueezeOptions, squeezeExcitation } from './layers.js';
import { convolutionShape } from './shapes.js';

export type InvertedResidual = {
  /** Channels of the depthwise convolution. Where they are those of the input, there is no layer before it. */
  expanded: number;
  /** Of the depthwise convolution. */
  kernel: number;
  stride: number;
  outputs: number;
  /** Channels within squeeze-and-excitation; left out where there is none. */
  squeeze?: number;
};

/** Whether a value describes a block. */
export const isInvertedResidual = (): Check =>
  fields({ expanded: isSize, kernel: isSize, stride: oneOf(1, 2), outputs: isSize, squeeze: optional(isSize) });

type Names = readonly [conv: string, norm: string];

/** What the layers of a block are called: convolution and norm, and the module that holds squeeze-and-excitation. */
export interface BlockNames {
  /** Left out where the block has no such layer. */
  expand?: Names;
  depthwise: Names;
  squeeze?: string;
  project: Names;
}

export interface BlockOptions extends Partial<Omit<SqueezeOptions, 'squeeze' | 'activation'>> {
  name: string;
  names: BlockNames;
  activation: Activation;
  /** Within squeeze-and-excitation. */
  inner?: Activation;
  /** Of all norms. */
  epsilon?: number;
  /** Of all norms, in training. */
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

/** Names in torchvision's MobileNetV3 and EfficientNet, where the layers that a block has are numbered. */
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

/** A block by the shapes of its tensors, which do not show its stride. @throws InputError where they are of another block */
export function readInvertedResidual(tensors: Shapes, names: BlockNames, stride: number): InvertedResidual {
  const [expanded, perGroup, kernel] = convolutionShape(tensors, names.depthwise[0]);
  if (perGroup !== 1)
    throw new InputError(`the checkpoint's ${names.depthwise[0]} is no depthwise convolution`, {
      expected: `${expanded}×1×${kernel}×${kernel}`,
      given: convolutionShape(tensors, names.depthwise[0]).join('×'),
      hint: 'a block whose expansion and depthwise convolution are one, as EfficientNetV2 has it, is not supported',
    });
  const [outputs] = convolutionShape(tensors, names.project[0]);
  const squeeze = names.squeeze === undefined ? {} : { squeeze: convolutionShape(tensors, `${names.squeeze}.fc1`)[0] };
  return { expanded, kernel, stride, outputs, ...squeeze };
}

/** The same of a block with numbered layers, of which those that are there tell which they are. */
export function readNumbered(tensors: Shapes, name: string, stride: number): InvertedResidual {
  const hasSqueeze = [1, 2].find((index) => tensors.has(`${name}.block.${index}.fc1.weight`));
  const count = [0, 1, 2, 3, 4].find(
    (index) => !['0', 'fc1'].some((part) => tensors.has(`${name}.block.${index}.${part}.weight`)),
  );
  const hasExpansion = (count ?? 5) - (hasSqueeze === undefined ? 2 : 3) > 0;
  return readInvertedResidual(tensors, numberedNames(name, hasExpansion, hasSqueeze !== undefined), stride);
}

/** The nearest multiple of 8 that is no less than nine tenths of a number of channels: what becomes of it where networks are scaled. */
export function rounded(channels: number): number {
  const nearest = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return nearest >= 0.9 * channels ? nearest : nearest + 8;
}

/** Of each block its stride, which nothing shows but that torchvision's network has as many. */
export function usualStrides(what: string, count: number, usual: readonly number[]): readonly number[] {
  if (count === usual.length) return usual;
  throw new InputError(`cannot tell the strides of the checkpoint's ${what}`, {
    expected: `${usual.length} of them, as torchvision's network has`,
    given: String(count),
    hint: 'give the architecture in the options',
  });
}
