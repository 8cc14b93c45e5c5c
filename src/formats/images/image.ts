/** Decodes images. The format is detected from the bytes, not from the file's name. */

import { detectFormat } from '../signature.js';
import type { DecodeOptions, Image } from './pixels.js';

export type { DecodeOptions, Image } from './pixels.js';

/**
 * Decodes a PNG or a JPEG to 1 or 3 channels. The size in the header is checked before anything is allocated.
 * @throws InputError that says what is wrong with the file, or which other format it has
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const format = detectFormat(bytes);
  // Each decoder is only loaded when it is needed.
  if (format === 'PNG') return (await import('./png.js')).decodePng(bytes, options);
  if (format === 'JPEG') return (await import('./jpeg.js')).decodeJpeg(bytes, options);
  throw (await import('../refused_format.js')).noImageFile(bytes);
}
