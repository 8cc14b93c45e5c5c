/** Pixels of what a page draws with. */
import { InputError } from '../errors.js';

interface Drawn {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 4;
}

/**
 * Reads an ImageBitmap, canvas, VideoFrame or loaded image element through a 2-D canvas: 8 bits, in sRGB, with straight
 * alpha. For the exact samples of a file hand in its bytes, which are decoded the same everywhere.
 * @returns undefined where `drawable` is none of these.
 */
export async function drawnPixels(drawable: object): Promise<Drawn | undefined> {
  const size = sizeOf(drawable);
  if (!size) return undefined;
  const [width, height] = size;
  if (!(width > 0 && height > 0)) {
    throw new InputError('the image has no pixels', {
      given: `${width} × ${height}`,
      hint: 'wait for an image element to load, or a video to start',
    });
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { colorSpace: 'srgb', willReadFrequently: true });
  if (!context) throw new InputError(`no 2-D canvas of ${width} × ${height} to read the image with`);
  context.drawImage(drawable as CanvasImageSource, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return { data: new Uint8Array(data.buffer), width, height, channels: 4 };
}

function sizeOf(drawable: object): [number, number] | undefined {
  if (typeof VideoFrame !== 'undefined' && drawable instanceof VideoFrame)
    return [drawable.displayWidth, drawable.displayHeight];
  if (typeof HTMLImageElement !== 'undefined' && drawable instanceof HTMLImageElement) {
    return [drawable.naturalWidth, drawable.naturalHeight];
  }
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
