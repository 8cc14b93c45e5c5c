/**
 * What a result rests on that nobody said, and what about its image looks wrong. A result with warnings may be right; one whose
 * warnings were not read may be wrong without anybody noticing, which is why results carry them.
 */

/** What is warned of. Stable, so that a program can tell one from another; the message is for people. */
export type WarningCode =
  /** The weights do not say how pixels are brought to the network (range, channels, size): a default was taken. */
  | 'assumed-input'
  /** Settings beside the tensors of a checkpoint were taken for those of its network: names of outputs, mean, size. */
  | 'file-settings'
  /** The weights do not say what the network computes (pooling, say): a default was taken. */
  | 'assumed-network'
  /** The weights do not say what their outputs mean: they are called `output 0`, `output 1`, … */
  | 'unnamed-outputs'
  /** Outputs of a public checkpoint that were never trained: they are left out. */
  | 'untrained-outputs'
  /** Names in a file (of classes, columns, ids) are spelled otherwise than those of the data set, and were taken for them. */
  | 'matched-names'
  /** Something of a file was not used: columns, rows, labels, images. */
  | 'ignored-data'
  /** Something that could have been scored was not: classes or images without predictions. */
  | 'missing-data'
  /** A file does not say how it is to be read; the message says how it was. */
  | 'assumed-data'
  /** An option names something of the weights that is not there, and had no effect. */
  | 'unused-option'
  /** The server could not be asked whether kept weights are still what it has: they were used. */
  | 'kept-weights'
  /** Weights could not be kept on this machine, as the option `cache` asks for. */
  | 'not-kept'
  /** A 16-bit image uses fewer bits, as far as its samples show: white was taken to be lower (see `formats/bits.ts`). */
  | 'assumed-bits'
  /** A JPEG of four colours without an Adobe marker was read as inverted CMYK. */
  | 'assumed-colours'
  /** A browser decoded the image, in a page: the pixels are its own, of 8 bits, and another browser's may differ by a level. */
  | 'browser-decoded'
  /** The file says that its image is to be turned or mirrored (EXIF), and that was done. */
  | 'applied-orientation'
  /** A file holds several pictures (an animated PNG, an MPO): the first was read. */
  | 'first-picture'
  /** A JPEG lacks its end marker, though nothing of its image. */
  | 'missing-end'
  /** An image is nearly constant, or has few grey levels, or is mostly white or black. */
  | 'image-range'
  /** An image looks like the negative of a chest X-ray. */
  | 'image-inverted'
  /** An image looks like no frontal chest X-ray: coloured, a page, or otherwise unlike. */
  | 'image-not-xray';

/** Takes a warning of whoever reads a file. */
export type OnWarning = (warning: Warning) => void;

/** Something that was assumed, or that looks wrong, and does not keep the result from being given. */
export interface Warning {
  readonly code: WarningCode;
  /** A whole sentence: what was found, what was assumed, and what to do about it. */
  readonly message: string;
}
