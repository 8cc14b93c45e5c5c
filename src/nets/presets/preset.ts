/** The types for public checkpoints: what is known about one, and by what it is recognised. */

import type { WeightsMetadata } from '../../formats/weights/weights.js';

/** What a public checkpoint is recognised by: the names and shapes of its tensors, and the settings in the file. */
export interface Structure {
  /** The standard backbone's name; undefined if the backbone is not a standard one. */
  readonly backbone: string | undefined;
  readonly family: string;
  readonly inputChannels: 1 | 3;
  readonly outputs: number;
  /** The prediction layer's full name in the file, with its prefix. */
  readonly prediction: string;
  /** Whether the names of DenseNet's layers are those before torchvision 0.2.1 (`norm.1`), from 2017 or the beginning of 2018. */
  readonly hasOldNames: boolean;
  /** If the network was saved whole: the Python classes of its outer modules, from the outside to the inside. */
  readonly classes: readonly string[];
  /** The file's settings. */
  readonly settings: Readonly<Record<string, string>>;
  /** The operating thresholds that the file has in `op_threshs`. */
  readonly operating: ArrayLike<number> | undefined;
  /** The name of the file in lower case. */
  readonly fileName: string | undefined;
}

/** A public checkpoint. */
export interface Preset {
  /** The name by which a user asks for it. */
  readonly name: string;
  /** What it is called in messages. */
  readonly title: string;
  /** The names of the outputs in their order; null for an output that was never trained. */
  readonly labels: readonly (string | null)[];
  /** The published operating threshold of each output; null if there is none. */
  readonly operatingThresholds?: readonly (number | null)[];
  readonly fields: Pick<
    WeightsMetadata,
    'inputWidth' | 'inputHeight' | 'mean' | 'std' | 'fit' | 'pooling' | 'trainingData' | 'license'
  >;
  readonly inputChannels: 1 | 3;
  readonly citation: string;
  /** What the publication does and raybox does not, in words. */
  readonly note?: string;
  /** The name of the published file, in lower case. */
  readonly fileName?: string;
  /** If the structure fits this checkpoint: by which marks, in words. Otherwise undefined. */
  readonly fits: (structure: Structure) => string | undefined;
}
