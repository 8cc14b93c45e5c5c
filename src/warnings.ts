/**
 * Warnings: what was assumed because nothing says it, and what looks wrong about an image. A result with warnings may be right or wrong. They
 * are part of the result so that nobody overlooks them.
 */

/** The kind of a warning. These codes do not change, so programs can rely on them. Messages are for people. */
export type WarningCode =
  /** The weights do not say how images are prepared for the network (range of pixels, channels, size). A default was assumed. */
  | 'assumed-input'
  /** Settings in a checkpoint were used for its network: names of outputs, mean, size. */
  | 'file-settings'
  /** The weights do not fully say what the network computes, for example its pooling. A default was assumed. */
  | 'assumed-network'
  /** The weights do not say what their outputs mean. They are called `output 0`, `output 1`, … */
  | 'unnamed-outputs'
  /** Outputs of a public checkpoint were never trained. They are left out. */
  | 'untrained-outputs'
  /** Names in a file (of classes, columns, ids) are spelled differently from those of the data set, and were matched with them. */
  | 'matched-names'
  /** Something in a file was not used: columns, rows, labels, images. */
  | 'ignored-data'
  /** Something that could have been scored was not: classes or images without predictions. */
  | 'missing-data'
  /** A file does not say how it has to be read. The message says how it was read. */
  | 'assumed-data'
  /** An option names something that the weights do not have, so it had no effect. */
  | 'unused-option'
  /** The server could not be asked whether the kept weights are still current. They were used. */
  | 'kept-weights'
  /** The option `cache` was given, but the weights could not be kept on this machine. */
  | 'not-kept'
  /** What tuning has measured could not be kept on this machine, or what was kept could not be read. Results are the same. */
  | 'not-tuned'
  /** The network runs on a software adapter, and a package that is not installed would be faster. Results are the same. */
  | 'slow-backend'
  /** The samples of a 16-bit image use fewer bits, so a lower level was assumed for white (see `formats/images/bits.ts`). */
  | 'assumed-bits'
  /** A JPEG of four colours without an Adobe marker was read as inverted CMYK. */
  | 'assumed-colours'
  /** The image was decoded by the browser, to 8 bits. In another browser, pixels may differ by one level. */
  | 'browser-decoded'
  /** The image was turned or mirrored, as the file says (EXIF). */
  | 'applied-orientation'
  /** A file has several pictures (an animated PNG, an MPO). The first one was read. */
  | 'first-picture'
  /** A JPEG has no end marker, but its image is complete. */
  | 'missing-end'
  /** An image is nearly constant, or has few grey levels, or is mostly white or black. */
  | 'image-range'
  /** An image looks like the negative of a chest X-ray. */
  | 'image-inverted'
  /** An image looks like a chest X-ray that is turned by 90, 180 or 270 degrees. */
  | 'image-turned'
  /** An image does not look like a frontal chest X-ray: it is coloured, a page, a long strip, or not similar for another reason. */
  | 'image-not-xray'
  /** The weights were trained on X-rays of patients and the image looks like a phantom of raybox's, or the other way round. */
  | 'image-other-kind';

/** A function that is called with each warning while a file is read. */
export type OnWarning = (warning: Warning) => void;

/** Something that was assumed or that looks wrong, although there is a result. */
export interface Warning {
  readonly code: WarningCode;
  /** A whole sentence: what was found, what was assumed, and what to do about it. */
  readonly message: string;
}
