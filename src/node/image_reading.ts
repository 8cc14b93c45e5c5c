/** Image files outside pages: how large they may be, and what was odd about many of them, in a few lines. */
import type { Warning } from '../warnings.js';

/** More than a page allows: a command says what it takes, and runs where there is memory. */
export const MAX_IMAGE_BYTES = 96_000_000;

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
