/** Decoded images, and the limits on their size. */
import { InputError } from '../../errors.js';
import type { Warning } from '../../warnings.js';

/**
 * Pixels as numbers: row by row from the top, the channels of one pixel side by side. One channel is grey, three are RGB, four
 * RGBA with straight (not premultiplied) alpha. Black is 0, white is 255 in a `Uint8Array` and 2 ** bits − 1 in a `Uint16Array`.
 */
export interface Image {
  data: Uint8Array | Uint16Array;
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  /** Bits in use of each sample of a `Uint16Array`, 8 to 16. Decoders always set it, by `settleBits`. */
  bits?: number | undefined;
  /** What looks wrong about the image, or was assumed to read it. */
  warnings?: readonly Warning[] | undefined;
}

export interface DecodeOptions {
  /** An image whose pixels take more bytes is refused before anything is allocated for them. Default 64 MiB. */
  maxImageBytes?: number | undefined;
  /** Bits in use of 16-bit samples, 8 to 16, for a file that does not say it. It does not apply to 8-bit images. */
  bits?: number | undefined;
}

/** Enough for 33 megapixels of 16 bits, which is twice as many as the largest X-ray detectors have. */
export const MAX_IMAGE_BYTES = 64 << 20;

/** The bits in use of a sample, which determine the level of white. */
export const bitsOf = ({ data, bits }: Pick<Image, 'data' | 'bits'>) =>
  data instanceof Uint16Array ? (bits ?? 16) : 8;

/** Checks the size in a file's header against `maxImageBytes`. @param pixelBytes the bytes of one decoded pixel */
export function checkSize(
  format: string,
  width: number,
  height: number,
  pixelBytes: number,
  { maxImageBytes = MAX_IMAGE_BYTES }: DecodeOptions,
): void {
  if (width === 0 || height === 0)
    throw new InputError(`${format}: the image has no pixels`, { given: `${width} × ${height}` });
  const bytes = width * height * pixelBytes;
  if (!(bytes <= maxImageBytes))
    throw new InputError(`${format}: the image is too large`, {
      expected: `at most ${maxImageBytes} bytes of pixels`,
      given: `${width} × ${height} pixels of ${pixelBytes} bytes, ${bytes} in all`,
      hint: 'raise maxImageBytes (--max-image-bytes) if the memory is there',
    });
}

/** Checks an image that is given by a caller. */
export function checkImage({ data, width, height, channels }: Image): void {
  if (!(data instanceof Uint8Array || data instanceof Uint16Array))
    throw new InputError('image: the data has the wrong type', { expected: 'Uint8Array or Uint16Array' });
  const expected = width * height * channels;
  if (![width, height].every((size) => Number.isSafeInteger(size) && size > 0) || ![1, 3, 4].includes(channels))
    throw new InputError('image: wrong size', {
      expected: 'width and height from 1 on; 1, 3 or 4 channels',
      given: `${width} × ${height}, ${channels} channels`,
    });
  if (data.length !== expected)
    throw new InputError('image: the data has the wrong length', { expected: `${expected}`, given: `${data.length}` });
}
