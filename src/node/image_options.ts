/** What commands that read images have in common: how files are read, and how what was odd about them is summed up. */

import type { DecodeOptions } from '../formats/pixels.js';
import type { Warning } from '../warnings.js';
import { wholeNumber } from './terminal.js';
import type { Command } from './vendor/commander.js';

/** More than a page allows: a command says what it takes, and runs where there is memory. */
export const MAX_IMAGE_BYTES = 96_000_000;

/** `--bits` and `--max-image-bytes`, which commander gives as `DecodeOptions` among the others. */
export const addImageOptions = (command: Command): Command =>
  command
    .option(
      '--bits <n>',
      'bits in use of each sample of a 16-bit image; default: as the file or its largest sample says',
      wholeNumber(8, 16),
    )
    .option(
      '--max-image-bytes <n>',
      'a larger image, decoded, is refused before it is read',
      wholeNumber(1, 2 ** 40),
      MAX_IMAGE_BYTES,
    );

export const decodeOptions = ({ bits, maxImageBytes }: DecodeOptions): DecodeOptions => ({ bits, maxImageBytes });

/** Counts the warnings of many images, so that a few lines tell of all of them. */
export interface WarningTally {
  add(image: string, warnings: readonly Warning[]): void;
  /** A line for each kind of warning. */
  lines(): string[];
}

export function tallyWarnings(): WarningTally {
  const kinds = new Map<string, { count: number; first: string }>();
  return {
    add(image, warnings) {
      for (const { code, message } of warnings) {
        const kind = kinds.get(code) ?? { count: 0, first: `${image}: ${message}` };
        kinds.set(code, kind);
        kind.count += 1;
      }
    },
    lines: () =>
      [...kinds].map(
        ([code, { count, first }]) => `${count} ${count === 1 ? 'image' : 'images'}: ${code}; the first: ${first}`,
      ),
  };
}
