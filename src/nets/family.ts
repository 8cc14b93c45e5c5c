/** What raybox knows of a family of networks. Each family says it in one file of `families`, and the build collects them. */
import type { Check } from '../formats/checks.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';

/** What every description of a backbone has. */
export interface Described {
  family: string;
  /** What every parameter's name begins with. Default: as torchvision has it, which is `features.` or nothing. */
  prefix?: string;
}

/** The fields of a description that are its family's own. */
type Own<D extends Described> = Exclude<keyof D, keyof Described>;

/**
 * How a family's networks are described and built: what its file exports as `family`. Fields and networks are functions, so that
 * nothing is computed where the file is loaded, and a bundler can leave out what a page does not use.
 */
export interface Family<D extends Described> {
  /** Of each field whether a value is right, and what is expected of it, in words. */
  readonly fields: () => Readonly<Record<Own<D>, readonly [check: Check, expected: string]>>;
  /** Checks fields against each other that are right by themselves. @throws InputError */
  readonly checkTogether?: (description: D) => void;
  /** The blocks of each stage, where a field holds their numbers: a small file must not describe a graph that fills the memory. */
  readonly blocks?: (description: D) => readonly number[];
  /** What the names of the parameters begin with in torchvision's networks. */
  readonly prefix: string | ((description: D) => string);
  /** torchvision's networks, by their names there. */
  readonly standard: () => Readonly<Record<string, D>>;
  /**
   * Adds all layers up to the last feature map. Parameters are called and shaped as torchvision has them.
   * @param image [n, h, w, channels] nhwc4.
   */
  readonly build: (g: GraphBuilder, image: Tensor, description: D & { prefix: string }) => Tensor;
}

/** Names and shapes of a checkpoint's tensors. */
export type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** A way to tell a family's networks from names and shapes. */
export interface Way<D extends Described> {
  /** What the name of one convolution's weights looks like, in every network of the family; the first group is the prefix. */
  readonly mark: RegExp;
  /** Where the mark alone is not enough: whether other names beside it show that the network under this prefix is of the family. */
  readonly holds?: (tensors: Shapes, prefix: string) => boolean;
  /**
   * The mark stands in networks of other families too. It is looked for last, where all convolutions stand in one nn.Sequential, and
   * `read` may give undefined.
   */
  readonly isCommon?: true;
  /**
   * Depth and widths.
   * @throws InputError where a layer cannot be told, or is none that the family's networks have
   */
  readonly read: (tensors: Shapes, prefix: string) => D | undefined;
}

/** How a checkpoint of unknown origin is found to be of the family: what its file exports as `recognition`. */
export interface Recognition<D extends Described> {
  /** As a sentence has it: `a ResNet`. */
  readonly title: string;
  readonly ways: readonly Way<D>[];
  /** Other names than torchvision's of today. */
  readonly spellings?: {
    /** In words, for an error where one checkpoint has both. */
    readonly about: string;
    /** The name of today for a name in a checkpoint. */
    readonly of: (tensors: Shapes) => (name: string) => string;
  };
  /** Names, behind the prefix, of layers beside the backbone that only training runs. */
  readonly trainingOnly?: RegExp;
  /** torchvision's classifier has hidden layers, so there are no class activation maps with it. */
  readonly hasHiddenLayers?: true;
  /** torchvision's classifier normalises the pooled features, so there are no class activation maps with it. */
  readonly hasNormInHead?: true;
  /** torchvision's classifier is a convolution of one pixel. Why that is no linear layer on pooled features, in words. */
  readonly convolutionHead?: string;
  /** Side of the images that torchvision trained on. Default 224. */
  readonly inputSize?: number;
  /** torchvision's networks normalise their input once more where `transform_input` was given. */
  readonly transformsInput?: true;
}
