/** The last look at an image's pixels before they go to the GPU: sizes checked, transparency gone, white known, warnings said. */
import { InputError } from '../errors.js';
import { settleBits } from '../formats/bits.js';
import { checkImage, type Image, withoutAlpha } from '../formats/pixels.js';
import { checkPixels } from './image_checks.js';
import type { PixelImage } from './images.js';

/**
 * @param bits of 16-bit samples in use, where the call says it. What the image says of itself goes before.
 * @throws InputError for data of the wrong type or length, and where a sample does not fit into the bits.
 */
export function examineImage(image: PixelImage, bits?: number): Image {
  const settled = settleBits(withoutAlpha(wholeImage(image)), image.bits ?? bits);
  const found = checkPixels(settled);
  return found.length > 0 ? { ...settled, warnings: [...(settled.warnings ?? []), ...found] } : settled;
}

function wholeImage(image: PixelImage): Image {
  const { data, width, height, bits, warnings } = image;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray || data instanceof Uint16Array)) {
    throw new InputError('image: the data has the wrong type', {
      expected: 'Uint8Array, Uint8ClampedArray or Uint16Array',
      given: Object.prototype.toString.call(data),
      hint: 'scale floating-point pixels to 8 or 16 bits first; NaN has no grey value',
    });
  }
  const bytes = data instanceof Uint8ClampedArray ? new Uint8Array(data.buffer, data.byteOffset, data.length) : data;
  const channels = data.length / (width * height);
  const checked = { data: bytes, width, height, channels: channels as 1, bits, warnings };
  checkImage(checked);
  return checked;
}
