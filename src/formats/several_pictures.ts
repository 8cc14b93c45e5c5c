/** Files that hold more than one picture: animated PNGs and JPEGs of several (MPO). The first one is read, and that is said. */
import type { Warning } from '../warnings.js';
import { findTag } from './tiff.js';

/** @param count of pictures where the file says it */
export const firstOf = (what: string, count: number | undefined): Warning => ({
  code: 'first-picture',
  message: `the file is ${what}${count === undefined ? '' : ` (${count})`}: the first was read, and no other; save the one that is meant by itself if it is another`,
});

/** An acTL chunk: how many frames an animated PNG has. https://www.w3.org/TR/png-3/#acTL-chunk */
export function framesIn(chunk: Uint8Array | undefined): number {
  if (!chunk || chunk.length < 4) return 1;
  return new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength).getUint32(0);
}

const NUMBER_OF_IMAGES = 0xb001;

/** An APP2 segment behind `MPF` and a zero: a TIFF header and a directory that counts the pictures. CIPA DC-007, Multi-Picture Format. */
export function picturesIn(tiff: Uint8Array): number {
  const found = findTag(tiff, NUMBER_OF_IMAGES);
  return found ? found.view.getUint32(found.at, found.little) : 1;
}
