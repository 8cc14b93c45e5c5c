/** Files that hold more than one picture: animated PNGs and JPEGs of several (MPO). The first one is read, and that is said. */
import type { Warning } from '../warnings.js';

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
  if (tiff.length < 10) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const start = view.getUint32(4, little);
  if (start + 2 > tiff.length) return 1;
  const end = Math.min(tiff.length, start + 2 + 12 * view.getUint16(start, little));
  for (let entry = start + 2; entry + 12 <= end; entry += 12)
    if (view.getUint16(entry, little) === NUMBER_OF_IMAGES) return view.getUint32(entry + 8, little);
  return 1;
}
