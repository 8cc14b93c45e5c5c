/** Turns every form of image that a caller may give into pixels that the preprocessing kernel reads. */

import { platform } from '#gpu';
import type { Image } from '../../formats/images/pixels.js';
import type { GpuPixels, ImageInput, PixelImage, ReadImageOptions, Source } from './image_input.js';

/** @throws InputError if the image cannot be read, or if its sizes, samples or options are wrong */
export async function toPixels(image: ImageInput, options: ReadImageOptions = {}): Promise<Source | GPUTexture> {
  if (typeof image === 'function') return toPixels(await image(), options);
  const pixels = await readPixels(image, options);
  if ('createView' in pixels) return pixels;
  // Loaded on demand, because textures do not need it.
  const { examineImage, examineGpuPixels } = await import('./examine.js');
  return 'buffer' in pixels ? examineGpuPixels(pixels, options.bits) : examineImage(pixels, options.bits);
}

async function readPixels(image: ImageInput, options: ReadImageOptions): Promise<Image | GpuPixels | GPUTexture> {
  if (typeof image === 'object' && image !== null) {
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
