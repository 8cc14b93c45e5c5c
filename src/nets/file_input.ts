/** What a file's settings say of the network's input. */
import type { WeightsMetadata } from '../formats/weights.js';

/** What holds, where it stands, and what was found but not taken, in clauses for a sentence. */
export interface FileInput {
  readonly fields: Partial<WeightsMetadata>;
  /** The settings that a field was taken from, in words. */
  readonly taken: Partial<Record<keyof WeightsMetadata, string>>;
  /** By the field that a caller can say instead, or by a word of its own where there is none. */
  readonly unused: Partial<Record<keyof WeightsMetadata | 'resizing', string>>;
}
