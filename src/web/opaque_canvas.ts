/** A canvas on which transparent pixels are blended with black. */
import { checkSize } from '../formats/images/pixels.js';
import type { ImageLimits } from '../gpu/platform.js';

/** Draws onto an opaque black canvas, so that transparent pixels are blended with black. */
export function drawOn(source: CanvasImageSource, [width, height]: readonly [number, number], limits: ImageLimits) {
  checkSize('image', width, height, 4, limits);
  const context = opaqueCanvas(width, height);
  context?.drawImage(source, 0, 0);
  return context;
}

export const opaqueCanvas = (width: number, height: number) =>
  new OffscreenCanvas(width, height).getContext('2d', { alpha: false, colorSpace: 'srgb', willReadFrequently: true });
