import { InputError } from '../errors.js';
import type { Warning } from '../warnings.js';

/**
 * Pixels as numbers: row by row from the top, the channels of one pixel side by side. `Uint8Array` runs from 0 to 255,
 * `Uint16Array` from 0 to 65535. One channel is grey, three are RGB, four RGBA with straight (not premultiplied) alpha.
 */
export interface Image {
  data: Uint8Array | Uint16Array;
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  /** What looks wrong about the image, or was assumed to read it. */
  warnings?: readonly Warning[];
}

export interface DecodeOptions {
  /** Larger images are refused before anything is allocated for them. Default 100 million. */
  maxPixels?: number;
}

const MAX_PIXELS = 100e6;

/** Checks the size that a file's header claims. */
export function checkSize(
  format: string,
  width: number,
  height: number,
  { maxPixels = MAX_PIXELS }: DecodeOptions,
): void {
  if (width === 0 || height === 0)
    throw new InputError(`${format}: the image has no pixels`, { given: `${width} × ${height}` });
  if (!(width * height <= maxPixels))
    throw new InputError(`${format}: the image is too large`, {
      expected: `at most ${maxPixels} pixels`,
      given: `${width} × ${height}`,
      hint: 'raise maxPixels if the memory is there',
    });
}

/** Checks an image that a caller hands in. */
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
