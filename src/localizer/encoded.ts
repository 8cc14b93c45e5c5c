/** Images as files: from wherever their bytes come to pixels. Loaded where one is handed in. */
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import { decodeImage } from '../formats/image.js';
import type { DecodeOptions, Image } from '../formats/pixels.js';
import { isResponse, openResponse, type Pieces, streamPieces } from '../gpu/platform.js';
import { type ImageInput, type ReadImageOptions, readPieces } from './images.js';

/** Encoded images larger than this are refused unread. */
const MAX_ENCODED_BYTES = 512 << 20;

/** @throws InputError for what is no image, or cannot be read or decoded. */
export async function readEncoded(image: ImageInput, options: ReadImageOptions): Promise<Image> {
  if (image instanceof ArrayBuffer) return decode(new Uint8Array(image), options);
  if (image instanceof Uint8Array) return decode(image, options);
  if (ArrayBuffer.isView(image)) {
    throw new InputError('an image as bare numbers', {
      expected: '{ data, width, height }, or a Uint8Array with the bytes of a PNG or JPEG',
      given: Object.prototype.toString.call(image),
    });
  }
  const { what, open } = source(image, options.signal);
  return decode(await readPieces(await open(), what, MAX_ENCODED_BYTES), options);
}

/** By what the bytes are: raybox's own decoders, or the platform's for what raybox does not decode. */
export const decode = async (bytes: Uint8Array, options: DecodeOptions): Promise<Image> =>
  (await platform.decode?.(bytes, options)) ?? decodeImage(bytes, options);

/** Where the bytes of a file come from. */
function source(image: ImageInput, signal?: AbortSignal): { what: string; open: () => Pieces | Promise<Pieces> } {
  if (typeof image === 'string' || image instanceof URL) {
    return { what: `image ${image}`, open: () => platform.open(image, signal) };
  }
  if (image instanceof Blob) {
    return { what: 'image', open: () => ({ size: image.size, pieces: streamPieces(image.stream()) }) };
  }
  if (typeof image === 'object' && image !== null && isResponse(image)) {
    return { what: 'image', open: () => openResponse(image) };
  }
  throw new InputError('this is no image that raybox knows', {
    expected:
      'pixels, PNG or JPEG bytes, a Blob, Response, path, URL, ImageBitmap, canvas, VideoFrame, GPUTexture or GPUBuffer',
    given: Object.prototype.toString.call(image),
  });
}
