/** Reads the pixels of a canvas on which something was drawn, and of `<img>` elements. It is loaded on demand. */
import { InputError } from '../errors.js';
import { READ_FORMATS } from '../formats/signature.js';
import type { ImageLimits, PlatformPixels } from '../gpu/platform.js';
import { drawOn, opaqueCanvas } from './opaque_canvas.js';

type Context = OffscreenCanvasRenderingContext2D | null;

/** @throws InputError if the browser does not allow the pixels to be read, or changes them. */
export function pixelsOf(context: Context, [width, height]: readonly [number, number]): PlatformPixels {
  const data = context ? readBack(context, width, height) : [];
  // If the browser has no memory for a canvas, reading it gives zeros. In a real one every pixel is opaque.
  if (!(data instanceof Uint8ClampedArray) || data[3] !== 255) {
    throw new InputError(`this browser has no canvas of ${width} × ${height} to read the image with`, {
      hint: 'make the image smaller',
    });
  }
  if (!isFaithful()) {
    throw new InputError('this browser changes what is read from a canvas', {
      hint: `it guards against fingerprinting: allow this page to read canvases, or hand in a ${READ_FORMATS} file or pixels`,
    });
  }
  return { data: new Uint8Array(data.buffer), width, height, channels: 4 };
}

function readBack(context: OffscreenCanvasRenderingContext2D, width: number, height: number): Uint8ClampedArray {
  try {
    return context.getImageData(0, 0, width, height).data;
  } catch (cause) {
    if ((cause as Error)?.name !== 'SecurityError') throw cause;
    throw new InputError('this page may not read the pixels of an image from another site', {
      hint: 'load it with the attribute crossorigin="anonymous" from a server that allows it, or hand in a file',
      cause,
    });
  }
}

let faithful = false;

/** Whether a canvas gives back the pixels that are put into it. Once it has, it is not tried again. */
function isFaithful(): boolean {
  if (faithful) return true;
  const context = opaqueCanvas(16, 16)!;
  const put = context.createImageData(16, 16);
  put.data.forEach((_, i, data) => {
    data[i] = i % 4 === 3 ? 255 : (i * 37) % 256;
  });
  context.putImageData(put, 0, 0);
  const back = readBack(context, 16, 16);
  faithful = put.data.every((value, i) => value === back[i]);
  return faithful;
}

const ELEMENT =
  'the pixels of an <img> are as this browser decoded them: 8 bits, colours managed; for 16 bits, and for the same pixels everywhere, hand in the file';

/** Reads the pixels of an image element, after waiting until it is loaded. */
export async function elementPixels(image: HTMLImageElement, limits: ImageLimits): Promise<PlatformPixels> {
  if (!image.complete || image.naturalWidth === 0) await load(image);
  const size = [image.naturalWidth, image.naturalHeight] as const;
  return { ...pixelsOf(drawOn(image, size, limits), size), warnings: [{ code: 'browser-decoded', message: ELEMENT }] };
}

async function load(image: HTMLImageElement): Promise<void> {
  const source = (image.currentSrc || image.src).slice(0, 200);
  const noImage = (given: string, hint: string, cause?: unknown) =>
    new InputError('the image element shows no image', { given, hint, cause });
  if (!source) throw noImage('an <img> without a source', 'set its src');
  // A lazy image is only loaded when it comes into view, which may never happen.
  if (image.loading === 'lazy' && !image.complete) {
    throw noImage('an <img loading="lazy"> that has not loaded', 'wait for its load event, or let it load eagerly');
  }
  try {
    await image.decode();
  } catch (cause) {
    throw noImage(`one that did not load: ${source}`, 'check its address, and that the file is an image', cause);
  }
  if (image.naturalWidth === 0) throw noImage(`one without a size: ${source}`, 'an SVG needs a width and a height');
}
