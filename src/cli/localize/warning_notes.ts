/** Says warnings of images on the terminal. A warning that many images have is said for the first few, and then counted. */
import type { Warning } from '../../warnings.js';

/** How many images a warning is said for. */
const SAID = 3;

/** @param note writes a line */
export function warningNotes(note: (line: string) => void) {
  const counts = new Map<string, number>();
  return {
    /** Says the warnings of an image. */
    add(path: string, warnings: Iterable<Warning>): void {
      for (const { message } of warnings) {
        const count = (counts.get(message) ?? 0) + 1;
        counts.set(message, count);
        if (count <= SAID) note(`raybox: ${path}: ${message}`);
      }
    },
    /** Says how many more images have each of the warnings. */
    end(): void {
      for (const [message, count] of counts) {
        const more = count - SAID;
        if (more > 0) note(`raybox: ${more} more ${more === 1 ? 'image' : 'images'}, as the results say: ${message}`);
      }
    },
  };
}
