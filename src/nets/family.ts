/** The types of what a file in `families` exports. There is one file for each family of networks, and the build collects them. */
import type { Check } from '../formats/checks.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';

/** The fields that the description of a backbone has in every family. */
export interface Described {
  family: string;
  /** What the name of every parameter begins with. Default: as in torchvision, which is `features.` for some families and nothing for others. */
  prefix?: string;
}

/** The names of the fields that only this family's descriptions have. */
type Own<D extends Described> = Exclude<keyof D, keyof Described>;

/**
 * How a family's networks are described and built. A family's file exports it as `family`. Fields and standard networks are functions, so
 * that nothing is computed when the file is loaded. Then a bundler can leave out what a page does not use.
 */
export interface Family<D extends Described> {
  /** For each field a check of its value, and in words what the check expects. */
  readonly fields: () => Readonly<Record<Own<D>, readonly [check: Check, expected: string]>>;
  /** Checks whether fields fit together, after each was checked by itself. @throws InputError */
  readonly checkTogether?: (description: D) => void;
  /**
   * The number of blocks of each stage, for descriptions that hold numbers of blocks instead of a list of blocks. Their sum is limited, so
   * that a small file cannot describe a graph that fills the memory.
   */
  readonly blocks?: (description: D) => readonly number[];
  /** What the names of the parameters begin with in torchvision's networks. */
  readonly prefix: string | ((description: D) => string);
  /** torchvision's networks of this family, by torchvision's names. */
  readonly standard: () => Readonly<Record<string, D>>;
  /**
   * Adds all layers up to the last feature map. Parameters have torchvision's names and shapes.
   * @param image [n, h, w, channels] nhwc4.
   */
  readonly build: (g: GraphBuilder, image: Tensor, description: D & { prefix: string }) => Tensor;
}

/** The names and shapes of a checkpoint's tensors. */
export type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** A way to recognise a family's networks by names and shapes. */
export interface Way<D extends Described> {
  /** Matches the name of the weights of one particular convolution, which every network of the family has. The first group is the prefix. */
  readonly mark: RegExp;
  /** If networks of other families have names that match the mark: whether the other names under the prefix show that it is this family. */
  readonly holds?: (tensors: Shapes, prefix: string) => boolean;
  /**
   * Set if the mark also matches names in networks of other families. The mark is then looked for only if no other mark was found, and only
   * in checkpoints whose convolutions are all in one nn.Sequential. `read` may return undefined if the network is not of this family.
   */
  readonly isCommon?: true;
  /**
   * Reads the description (depth, widths …) from the shapes.
   * @throws InputError if the shapes do not show what a layer is, or if it is a layer that the family's networks do not have
   */
  readonly read: (tensors: Shapes, prefix: string) => D | undefined;
}

/** How checkpoints of this family are recognised if they do not say what they are. A family's file exports it as `recognition`. */
export interface Recognition<D extends Described> {
  /** The name of the family with its article, for use in sentences. It begins with a capital: `a ResNet`. */
  readonly title: string;
  readonly ways: readonly Way<D>[];
  /** Set if there are checkpoints that use other names than today's torchvision. */
  readonly spellings?: {
    /** What the two spellings are, in words, for the error if a checkpoint has a tensor under both. */
    readonly about: string;
    /** Returns a function from a name in the checkpoint to today's name. */
    readonly of: (tensors: Shapes) => (name: string) => string;
  };
  /** Matches names, after the prefix, of layers that are run only in training (auxiliary classifiers). */
  readonly trainingOnly?: RegExp;
  /** torchvision's classifier has hidden layers, so that heatmaps come from gradients with it. */
  readonly hasHiddenLayers?: true;
  /** torchvision's classifier normalises the pooled features. */
  readonly hasNormInHead?: true;
  /** Set if torchvision's classifier is a 1×1 convolution: why it is not the same as a linear layer on pooled features, in words. */
  readonly convolutionHead?: string;
  /** The side of the images that torchvision's networks were trained on, in pixels. Default 224. */
  readonly inputSize?: number;
  /** Set if torchvision's networks normalise their input a second time when they are created with `transform_input`. */
  readonly transformsInput?: true;
}
