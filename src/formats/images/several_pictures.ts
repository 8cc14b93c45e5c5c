/** Files with more than one picture: animated PNGs, and JPEGs of several (MPO). Only the first picture is read, with a warning. */
import type { Warning } from '../../warnings.js';
import { findTag } from './tiff.js';

/** @param count the number of pictures, if the file gives it */
export const firstOf = (what: string, count: number | undefined): Warning => ({
  code: 'first-picture',
  message: `the file is ${what}${count === undefined ? '' : ` (${count})`}, of which only the first was read; if another one is meant, save it as a file of its own`,
});

/** The number of frames of an animated PNG, from its chunk acTL (https://www.w3.org/TR/png-3/#acTL-chunk). */
export function framesIn(chunk: Uint8Array | undefined): number {
  if (!chunk || chunk.length < 4) return 1;
  return new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength).getUint32(0);
}

const NUMBER_OF_IMAGES = 0xb001;

/**
 * The number of pictures of a JPEG in the Multi-Picture Format (CIPA DC-007). It is in an APP2 segment, which has `MPF`, a zero and then
 * a TIFF header with a directory.
 */
export function picturesIn(tiff: Uint8Array): number {
  const found = findTag(tiff, NUMBER_OF_IMAGES);
  return found ? found.view.getUint32(found.at, found.little) : 1;
}
