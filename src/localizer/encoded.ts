/** Images as files: from wherever their bytes come to pixels. Loaded where one is handed in. */
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import { decodeImage } from '../formats/image.js';
import type { DecodeOptions, Image } from '../formats/pixels.js';
import { isByteSource, isStream, readBytes } from './bytes.js';
import type { ImageInput, ReadImageOptions } from './images.js';

/** Encoded images larger than this are refused unread. */
const MAX_ENCODED_BYTES = 512 << 20;

/** @throws InputError for what is no image, or cannot be read or decoded. */
export async function readEncoded(image: ImageInput, options: ReadImageOptions): Promise<Image> {
  if (ArrayBuffer.isView(image) && !(image instanceof Uint8Array)) {
    throw new InputError('an image as bare numbers', {
      expected: '{ data, width, height }, or a Uint8Array with the bytes of a PNG or JPEG',
      given: Object.prototype.toString.call(image),
    });
  }
  if (!isByteSource(image) || isStream(image)) {
    throw new InputError('this is no image that raybox knows', {
      expected:
        'pixels, PNG or JPEG bytes, a Blob, Response, path, URL, ImageBitmap, canvas, VideoFrame, GPUTexture or GPUBuffer',
      given: Object.prototype.toString.call(image),
    });
  }
  const bytes = await readBytes(image, { what: 'image', maxBytes: MAX_ENCODED_BYTES, signal: options.signal });
  return decode(bytes, options);
}

/** By what the bytes are: raybox's own decoders, or the platform's for what raybox does not decode. */
export const decode = async (bytes: Uint8Array, options: DecodeOptions): Promise<Image> =>
  (await platform.decode?.(bytes, options)) ?? decodeImage(bytes, options);
