/**
 * What a result rests on that nobody said, and what about its image looks wrong. A result with warnings may be right; one whose
 * warnings were not read may be wrong without anybody noticing, which is why results carry them.
 */

/** What is warned of. Stable, so that a program can tell one from another; the message is for people. */
export type WarningCode =
  /** The weights do not say how pixels are brought to the network (range, channels, size): a default was taken. */
  | 'assumed-input'
  /** The weights do not say what the network computes (pooling, say): a default was taken. */
  | 'assumed-network'
  /** The weights do not say what their outputs mean: they are called `output 0`, `output 1`, … */
  | 'unnamed-outputs';

export interface Warning {
  readonly code: WarningCode;
  /** A whole sentence: what was found, what was assumed, and what to do about it. */
  readonly message: string;
}
