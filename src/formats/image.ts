/** Encoded images to pixels, by what the bytes are rather than by a file's name. */
import type { DecodeOptions, Image } from './pixels.js';
import { detectFormat } from './signature.js';

export type { DecodeOptions, Image } from './pixels.js';

/**
 * Decodes a PNG or a JPEG, told apart by their signatures, to 1 or 3 channels. The size is checked from the header before
 * anything is allocated. Throws an InputError that names what was given instead, or what is wrong with the file.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const format = detectFormat(bytes);
  // Only what is met is loaded.
  if (format === 'PNG') return (await import('./png.js')).decodePng(bytes, options);
  if (format === 'JPEG') return (await import('./jpeg.js')).decodeJpeg(bytes, options);
  throw (await import('./refused_format.js')).noImageFile(bytes);
}
