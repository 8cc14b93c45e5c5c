/** A network that is a backbone with a head, as plain JSON data, and how the fields of metadata say one. */
import { InputError } from '../errors.js';
import { type GraphDescription, isGraph } from '../formats/graph_description.js';
import { CUSTOM, type WeightsMetadata } from '../formats/weights.js';
import { type Backbone, checkBackbone } from './backbone.js';

/** The localization head: transition layer, pooling over positions, prediction layer. */
export interface Head {
  /** Outputs of the prediction layer. */
  classes: number;
  /** Absent: the backbone's features are pooled as they are. */
  transition?: { channels: number; kernel: number; activation: 'relu' | 'none'; name?: string };
  pooling: 'lse' | 'average' | 'max';
  /** Sharpness of `lse` pooling, above 0. */
  r?: number;
  /** Name of the prediction layer where it is not `head.prediction`. */
  prediction?: string;
}

/** A backbone and the head on it, as plain JSON. */
export interface Architecture {
  /** A standard one by name (`resnet50`), or its description. */
  backbone: string | Backbone;
  /** Absent: the network ends with its features. */
  head?: Head;
}

/** A network of a family, with the head that localizes. */
export type FamilyNetwork = Architecture & { head: Head };

/** A network as data: of a family, or any other by its graph. */
export type NetworkDescription = FamilyNetwork | GraphDescription;

/**
 * The backbone that metadata describes.
 * @throws InputError where it describes a whole network, which has no such part, and for a description that is wrong
 */
export function backboneOf({ architecture }: Pick<WeightsMetadata, 'architecture'>): string | Backbone {
  if (!isGraph(architecture) && architecture !== CUSTOM)
    return typeof architecture === 'string' ? architecture : checkBackbone(architecture);
  throw new InputError('these weights are of a whole network, which is not made of a backbone and a head', {
    hint: 'load takes such weights as they are, and the train function the network itself',
  });
}

/**
 * Backbone and head that metadata describes.
 * @throws InputError where it describes a whole network, which has no such parts, and for a description that is wrong
 */
export function architectureOf(metadata: WeightsMetadata): FamilyNetwork {
  const backbone = backboneOf(metadata);
  const { classes, lseR, prediction } = metadata;
  const pooling = metadata.pooling!; // checked: only whole networks have none
  const { transitionChannels: channels, transitionKernel: kernel = 1, transitionActivation = 'relu' } = metadata;
  return {
    backbone,
    head: {
      classes: classes.length,
      pooling,
      ...(lseR === undefined ? {} : { r: lseR }),
      ...(channels === undefined ? {} : { transition: { channels, kernel, activation: transitionActivation } }),
      ...(prediction === undefined ? {} : { prediction }),
    },
  };
}

/** What metadata says of a network: the other way round. Transition layers are then called `head.transition`. */
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
    ...(head?.prediction === undefined ? {} : { prediction: head.prediction }),
  } satisfies Partial<WeightsMetadata>;
}
