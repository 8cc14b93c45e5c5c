/** A network that consists of a backbone and a head, described by plain JSON data, and its translation to and from the metadata of a weights file. */
import { InputError } from '../errors.js';
import { type GraphDescription, isGraph } from '../formats/weights/graph_description.js';
import { type Pooling, type PoolingNumbers, poolingNumbers } from '../formats/weights/poolings.js';
import { CUSTOM, type WeightsMetadata } from '../formats/weights/weights.js';
import { type Backbone, checkBackbone } from './backbone.js';

/** The localization head: transition layer, pooling over positions, prediction layer. */
export interface Head extends PoolingNumbers {
  /** Outputs of the prediction layer. */
  classes: number;
  /** If it is absent, the backbone's features are pooled as they are. */
  transition?: { channels: number; kernel: number; activation: 'relu' | 'none'; name?: string };
  pooling: Pooling;
  /** Sharpness of `lse` pooling, above 0. */
  r?: number;
  /** The name of the prediction layer. Default: `head.prediction`. */
  prediction?: string;
}

/** The layers that poolings with parameters have. */
const LAYERS_OF_POOLINGS: Partial<Readonly<Record<Pooling, string>>> = {
  'lse-lba': 'head.pooling',
  attention: 'head.attention',
};

/** Names of the head's layers that have parameters. The name of each of its parameters begins with one of them and a dot. */
export function layersOfHead({ transition, prediction = 'head.prediction', pooling }: Head): string[] {
  const ofPooling = LAYERS_OF_POOLINGS[pooling];
  return [
    ...(transition ? [transition.name ?? 'head.transition'] : []),
    prediction,
    ...(ofPooling === undefined ? [] : [ofPooling]),
  ];
}

/** A backbone and the head on it, as plain JSON. */
export interface Architecture {
  /** The name of a standard backbone (`resnet50`), or a description. */
  backbone: string | Backbone;
  /** If it is absent, the network ends with its features. */
  head?: Head;
}

/** A network of one of raybox's families, with the head that localizes. */
export type FamilyNetwork = Architecture & { head: Head };

/** A network as data: a backbone with a head, or, for any other network, its graph. */
export type NetworkDescription = FamilyNetwork | GraphDescription;

/**
 * The backbone that metadata describes.
 * @throws InputError if the metadata describes a whole network, which is not made of such parts, or if the description is wrong
 */
export function backboneOf({ architecture }: Pick<WeightsMetadata, 'architecture'>): string | Backbone {
  if (!isGraph(architecture) && architecture !== CUSTOM)
    return typeof architecture === 'string' ? architecture : checkBackbone(architecture);
  throw new InputError('these weights are of a whole network, which is not made of a backbone and a head', {
    hint: 'load takes such weights as they are, and the train function the network itself',
  });
}

/**
 * The backbone and the head that metadata describes.
 * @throws InputError if the metadata describes a whole network, which is not made of such parts, or if the description is wrong
 */
export function architectureOf(metadata: WeightsMetadata): FamilyNetwork {
  const backbone = backboneOf(metadata);
  const { classes, lseR, prediction } = metadata;
  const pooling = metadata.pooling!; // the metadata was checked: only whole networks have no pooling
  const { transitionChannels: channels, transitionKernel: kernel = 1, transitionActivation = 'relu' } = metadata;
  return {
    backbone,
    head: {
      classes: classes.length,
      pooling,
      ...(lseR === undefined ? {} : { r: lseR }),
      ...poolingNumbers(metadata),
      ...(channels === undefined ? {} : { transition: { channels, kernel, activation: transitionActivation } }),
      ...(prediction === undefined ? {} : { prediction }),
    },
  };
}

/** The reverse of `architectureOf`: the fields of metadata for a network. A transition layer is always called `head.transition` there. */
export function architectureMetadata({ backbone, head }: Architecture) {
  return {
    architecture: backbone,
    ...(head?.transition
      ? {
          transitionChannels: head.transition.channels,
          transitionKernel: head.transition.kernel,
          transitionActivation: head.transition.activation,
        }
      : {}),
    ...(head ? { pooling: head.pooling } : {}),
    ...(head?.r === undefined ? {} : { lseR: head.r }),
    ...poolingNumbers(head ?? {}),
    ...(head?.prediction === undefined ? {} : { prediction: head.prediction }),
  } satisfies Partial<WeightsMetadata>;
}
