/** Draws images of a page onto a canvas. The code that reads the pixels is in `canvas_pixels.ts`, which is loaded when it is needed. */

import type { ImageLimits, PlatformPixels } from '../gpu/platform.js';
import { drawOn } from './opaque_canvas.js';

/**
 * Reads an ImageBitmap, canvas, VideoFrame, video or image element through a 2-D canvas: 8 bits in sRGB, transparent pixels blended with
 * black. To get the exact samples of a file, give its bytes instead; they are decoded in the same way everywhere. The content is copied
 * before this function first waits for anything. Only for an image element, it waits until that is loaded.
 * @returns undefined if `drawable` is none of these.
 * @throws InputError if it has no pixels, if it has too many, or if this page may not read them.
 */
export async function drawnPixels(drawable: object, limits: ImageLimits = {}): Promise<PlatformPixels | undefined> {
  if (typeof HTMLImageElement !== 'undefined' && drawable instanceof HTMLImageElement) {
    return (await import('./canvas_pixels.js')).elementPixels(drawable, limits);
  }
  const size = sizeOf(drawable);
  if (!size) return undefined;
  const context = drawOn(drawable as CanvasImageSource, size, limits);
  return (await import('./canvas_pixels.js')).pixelsOf(context, size);
}

function sizeOf(drawable: object): [number, number] | undefined {
  if (typeof VideoFrame !== 'undefined' && drawable instanceof VideoFrame)
    return [drawable.displayWidth, drawable.displayHeight];
  if (typeof HTMLVideoElement !== 'undefined' && drawable instanceof HTMLVideoElement) {
    return [drawable.videoWidth, drawable.videoHeight];
  }
  const flat = [
    typeof ImageBitmap !== 'undefined' && ImageBitmap,
    typeof OffscreenCanvas !== 'undefined' && OffscreenCanvas,
    typeof HTMLCanvasElement !== 'undefined' && HTMLCanvasElement,
  ].filter((type) => type !== false);
  const known = flat.find((type) => drawable instanceof type);
  if (!known) return undefined;
  const { width, height } = drawable as { width: number; height: number };
  return [width, height];
}
