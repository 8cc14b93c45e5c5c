/**
 * EXIF data in a text chunk of a PNG, as ImageMagick wrote it before the standard had a chunk for it: as hexadecimal digits, compressed or
 * not.
 */
import { inflate } from '#zlib';
import { readOrientation } from './orientation.js';

/** Longer profiles are not read. A profile has a few kilobytes, or about ten with a thumbnail. */
const MAX_BYTES = 1 << 20;
const NAMES = ['Raw profile type exif\0', 'Raw profile type APP1\0'];

/** Whether the content of a `tEXt` or `zTXt` chunk is such a profile. */
export const isExifProfile = (text: Uint8Array) =>
  NAMES.includes(String.fromCharCode(...text.subarray(0, NAMES[0].length)));

/** The orientation, 1 to 8; 1 if the profile is damaged or has none. */
export async function profileOrientation(text: Uint8Array, isCompressed: boolean): Promise<number> {
  const content = text.subarray(NAMES[0].length + (isCompressed ? 1 : 0));
  const bytes = isCompressed ? await inflated(content) : content;
  if (bytes.length > MAX_BYTES) return 1;
  // The text is a line break, the profile's name, its length, and then its bytes as digits.
  const digits = /^\s*\w+\s+\d+\s([0-9a-f\s]*)$/i.exec(new TextDecoder('latin1').decode(bytes))?.[1] ?? '';
  const hex = digits.replace(/\s/g, '');
  const exif = Uint8Array.from({ length: hex.length >> 1 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  return readOrientation(exif);
}

/** The inflated bytes; empty if they are damaged or more than `MAX_BYTES`. */
async function inflated(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.length > MAX_BYTES) return new Uint8Array();
  const all = new Uint8Array(MAX_BYTES);
  let length = 0;
  try {
    await inflate([bytes], (piece) => {
      all.set(piece, length); // throws if the piece does not fit
      length += piece.length;
    });
    return all.subarray(0, length);
  } catch {
    return new Uint8Array();
  }
}
