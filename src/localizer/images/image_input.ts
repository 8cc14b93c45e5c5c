/** What a caller may give as an image, and what preprocessing reads. */
import type { DecodeOptions, Image } from '../../formats/images/pixels.js';
import type { Warning } from '../../warnings.js';

/**
 * Pixels of an image, row by row. The number of channels follows from the length of `data`: 1 is grey, 3 is RGB and 4 is RGBA. Alpha is
 * straight (not premultiplied), as in a PNG, and the image is blended with black.
 */
export interface PixelImage {
  data: Uint8Array | Uint8ClampedArray | Uint16Array;
  width: number;
  height: number;
  /** For a `Uint16Array`: bits in use of each sample, 8 to 16. White is 2 ** bits − 1. Default: see `LocalizeOptions.bits`. */
  bits?: number | undefined;
  /** Repeated in the result. */
  warnings?: readonly Warning[] | undefined;
}

/**
 * Pixels that are on the GPU already, packed like `data` of a `PixelImage`. The buffer needs COPY_SRC usage. raybox does not look at the
 * values, so `bits` has to be given: 8 for samples of 8 bits, or the number of bits in use, 9 to 16, for samples of 16 bits.
 */
export interface GpuPixels {
  buffer: GPUBuffer;
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  bits: number;
  /** Repeated in the result. */
  warnings?: readonly Warning[];
}

/** An image object of a page, which `web/` turns into pixels. It is described by its fields, because no DOM type may be used here. */
export interface Drawable {
  readonly width?: unknown;
  readonly height?: unknown;
}

/**
 * An image: pixels; the bytes of a PNG or JPEG (in a page also WebP, AVIF, GIF or BMP), or a Blob or Response with them; a path or URL; an
 * image object of a page (ImageBitmap, canvas, ImageData, VideoFrame, HTMLImageElement); a GPUTexture; a GPUBuffer with its sizes; or a
 * function that gives one of these or a promise of it. The function is called when the image is needed, and what it throws is the error of
 * this image. So `localizeAll` takes images that the caller reads, a few at a time, and goes on after one that cannot be read.
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
  | Drawable
  | (() => ImageInput | Promise<ImageInput>);

/** Pixels that are ready for preprocessing, in the memory of the CPU or of the GPU. */
export type Source = Image | GpuPixels;

export interface ReadImageOptions extends DecodeOptions {
  signal?: AbortSignal | undefined;
}

/** Bytes of the pixels, rounded up to a multiple of 4, because WebGPU copies buffers in units of 4 bytes. */
export const gpuPixelBytes = ({ width, height, channels, bits }: Omit<GpuPixels, 'buffer'>) =>
  Math.ceil((width * height * channels * (bits > 8 ? 2 : 1)) / 4) * 4;
