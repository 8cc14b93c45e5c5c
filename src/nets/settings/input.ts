/** The type of what a file's settings say about the network's input. */
import type { WeightsMetadata } from '../../formats/weights/weights.js';

/** Fields of metadata that were read from a file's settings, where they were found, and what was found but not used. */
export interface FileInput {
  readonly fields: Partial<WeightsMetadata>;
  /** The settings that a field was taken from, in words. */
  readonly taken: Partial<Record<keyof WeightsMetadata, string>>;
  /** Reasons, as clauses of a sentence, by the field that a caller can give instead; `resizing` has no such field. */
  readonly unused: Partial<Record<keyof WeightsMetadata | 'resizing', string>>;
}
