/** The options of all commands that read images: how image files are decoded. */

import type { DecodeOptions } from '../formats/images/pixels.js';
import { MAX_IMAGE_BYTES } from '../node/images/image_reading.js';
import { type Command, Option } from '../node/vendor/commander.js';
import { wholeNumber } from './terminal.js';

/** Adds `--bits` and `--max-image-bytes`. The parsed options then have the fields of `DecodeOptions`. */
export const addImageOptions = (command: Command): Command =>
  command
    .option(
      '--bits <n>',
      'bits that are used of each sample of a 16-bit image; default: as the file or its largest sample says',
      wholeNumber(8, 16),
    )
    .option(
      '--max-image-bytes <n>',
      'images that take more bytes when decoded are refused',
      wholeNumber(1, 2 ** 40),
      MAX_IMAGE_BYTES,
    );

/** The option `--threads`. @param what what the threads do */
export const threadsOption = (what: string): Option =>
  new Option('--threads <n>', `threads that ${what}; default: one for each processor, at most 8`).argParser(
    wholeNumber(1, 256),
  );

/** Only the options that say how images are decoded. */
export const decodeOptions = ({ bits, maxImageBytes }: DecodeOptions): DecodeOptions => ({ bits, maxImageBytes });
