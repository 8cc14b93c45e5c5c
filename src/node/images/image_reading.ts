/** For commands that read many image files: how large an image may be, and a summary of the warnings of many images. */
import type { Warning } from '../../warnings.js';

/** The default limit for a decoded image. It is higher than in a page, because a command can use more memory. */
export const MAX_IMAGE_BYTES = 96_000_000;

/** Counts the warnings of many images, to report them in a few lines. */
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
