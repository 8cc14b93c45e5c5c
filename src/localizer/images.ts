/** Whatever a caller may hand in as an image → pixels that the preprocessing kernel reads. */
import { platform } from '#gpu';
import type { DecodeOptions, Image } from '../formats/pixels.js';
import type { Warning } from '../warnings.js';

/**
 * Pixels of an image, row by row. Channels follow from the length: 1 grey, 3 RGB, 4 RGBA (straight alpha, blended with black, as in
 * a PNG or on a canvas).
 */
export interface PixelImage {
  data: Uint8Array | Uint8ClampedArray | Uint16Array;
  width: number;
  height: number;
  /** Of a `Uint16Array`: bits of each sample that are in use, 8 to 16; white is 2 ** bits − 1. Default: see `LocalizeOptions.bits`. */
  bits?: number | undefined;
  /** Told in the result. */
  warnings?: readonly Warning[] | undefined;
}

/**
 * Pixels that are on the GPU already, packed as `data` of a `PixelImage` would be. The buffer needs COPY_SRC usage. They are not
 * looked at: `bits` is what the caller says, 8 for bytes, 9 to 16 for samples of 16 bits of which so many are in use.
 */
export interface GpuPixels {
  buffer: GPUBuffer;
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  bits: number;
  /** Told in the result. */
  warnings?: readonly Warning[];
}

/** What a page draws with; `web/` turns it into pixels. Structural, so that no DOM type is needed here. */
export interface Drawable {
  readonly width?: unknown;
  readonly height?: unknown;
}

/**
 * An image: pixels, the bytes of a PNG or JPEG (in a page also WebP, AVIF, GIF or BMP), a Blob or Response with them, a path or URL,
 * something a page draws with (ImageBitmap, canvas, ImageData, VideoFrame, HTMLImageElement), a GPUTexture, or a GPUBuffer with its
 * sizes.
 */
export type ImageInput =
  | PixelImage
  | GpuPixels
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Response
  | string
  | URL
  | GPUTexture
  | Drawable;

/** Pixels ready for the GPU, on either side of the bus. */
export type Source = Image | GpuPixels;

export interface ReadImageOptions extends DecodeOptions {
  signal?: AbortSignal | undefined;
}

/** @throws InputError saying what is wrong with the image. */
export async function toPixels(image: ImageInput, options: ReadImageOptions = {}): Promise<Source | GPUTexture> {
  const pixels = await readPixels(image, options);
  if ('createView' in pixels) return pixels;
  // What is only needed for some images is loaded on demand.
  const { examineImage, examineGpuPixels } = await import('./examine.js');
  return 'buffer' in pixels ? examineGpuPixels(pixels, options.bits) : examineImage(pixels, options.bits);
}

async function readPixels(image: ImageInput, options: ReadImageOptions): Promise<Image | GpuPixels | GPUTexture> {
  if ((typeof image === 'object' && image !== null) || typeof image === 'function') {
    if (isTexture(image) || isGpuPixels(image)) return image;
    if (isPixelImage(image)) return image as Image;
    const drawn = await platform.pixels?.(image, options);
    if (drawn) return drawn;
  }
  return (await import('./encoded.js')).readEncoded(image, options);
}

const isTexture = (image: object): image is GPUTexture => 'createView' in image && 'dimension' in image;

const isGpuPixels = (image: object): image is GpuPixels => 'buffer' in image && 'bits' in image && !('data' in image);

const isPixelImage = (image: object): image is PixelImage =>
  'data' in image && 'width' in image && 'height' in image && image.data !== null;

/** Bytes of the pixels, in whole u32s, as buffers are copied. */
export const gpuPixelBytes = ({ width, height, channels, bits }: Omit<GpuPixels, 'buffer'>) =>
  Math.ceil((width * height * channels * (bits > 8 ? 2 : 1)) / 4) * 4;
