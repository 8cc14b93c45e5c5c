/** What is known of a public checkpoint beside its tensors. */

import type { WeightsMetadata } from '../../formats/weights.js';

/** By which a checkpoint is recognised: names and shapes of its tensors, and what stands beside them. */
export interface Structure {
  /** The standard backbone's name; undefined for one of other sizes. */
  readonly backbone: string | undefined;
  readonly family: string;
  readonly inputChannels: 1 | 3;
  readonly outputs: number;
  /** The prediction layer's name in the file, with all that stands before it. */
  readonly prediction: string;
  /** Names of DenseNet's layers are those before torchvision 0.2.1, `norm.1`: of the year 2017 or the beginning of 2018. */
  readonly hasOldNames: boolean;
  /** Classes of the modules, where the network was saved whole, from the outside to the inside. */
  readonly classes: readonly string[];
  /** Settings beside the tensors. */
  readonly settings: Readonly<Record<string, string>>;
  /** `op_threshs`. */
  readonly operating: ArrayLike<number> | undefined;
  /** Of the file, in lower case. */
  readonly fileName: string | undefined;
}

/** A public checkpoint. */
export interface Preset {
  /** By which it is asked for. */
  readonly name: string;
  /** For a sentence. */
  readonly title: string;
  /** The outputs in their order; null for one that was never trained. */
  readonly labels: readonly (string | null)[];
  /** For each output the published operating threshold; null where there is none. */
  readonly operatingThresholds?: readonly (number | null)[];
  readonly fields: Pick<
    WeightsMetadata,
    'inputWidth' | 'inputHeight' | 'mean' | 'std' | 'fit' | 'trainingData' | 'license'
  >;
  readonly inputChannels: 1 | 3;
  readonly citation: string;
  /** What the publication does that raybox does not. */
  readonly note?: string;
  /** Name of the file as it is published, in lower case. */
  readonly fileName?: string;
  /** The marks by which the structure is this checkpoint's, in words; undefined where it is not. */
  readonly fits: (structure: Structure) => string | undefined;
}
