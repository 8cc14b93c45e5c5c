/** Reads images from files in any form. This module is only loaded if an image is not given as pixels. */
import { platform } from '#gpu';
import { InputError } from '../../errors.js';
import { decodeImage } from '../../formats/images/image.js';
import type { DecodeOptions, Image } from '../../formats/images/pixels.js';
import { READ_FORMATS } from '../../formats/signature.js';
import { isByteSource, isStream, readBytes } from '../weights/bytes.js';
import type { ImageInput, ReadImageOptions } from './image_input.js';

/** Larger files are refused before they are read. */
const MAX_ENCODED_BYTES = 512 << 20;

/** @throws InputError if the input is not an image, or if it cannot be read or decoded. */
export async function readEncoded(image: ImageInput, options: ReadImageOptions): Promise<Image> {
  if (ArrayBuffer.isView(image) && !(image instanceof Uint8Array)) {
    throw new InputError('an image as bare numbers', {
      expected: `{ data, width, height }, or a Uint8Array with the bytes of a ${READ_FORMATS}`,
      given: Object.prototype.toString.call(image),
    });
  }
  if (!isByteSource(image) || isStream(image)) {
    throw new InputError('this is not an image that raybox knows', {
      expected: `pixels, bytes of a ${READ_FORMATS}, a Blob, Response, path, URL, ImageBitmap, canvas, VideoFrame, GPUTexture or GPUBuffer`,
      given: Object.prototype.toString.call(image),
    });
  }
  const bytes = await readBytes(image, { what: 'image', maxBytes: MAX_ENCODED_BYTES, signal: options.signal });
  return decode(bytes, options);
}

/** Decodes by the format that the bytes show. The platform decodes the formats for which raybox has no decoder, if it can. */
export const decode = async (bytes: Uint8Array, options: DecodeOptions): Promise<Image> =>
  (await platform.decode?.(bytes, options)) ?? decodeImage(bytes, options);
