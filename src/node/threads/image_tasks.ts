/** What is done with images in worker threads (`image_threads.ts`): they are decoded, resized for training, and drawn as overlays. */
import type { DecodeOptions, Image } from '../../formats/images/pixels.js';
import type { Fit } from '../../ops/images/frame.js';
import { pixelHash, type ResizedImage } from '../caches/image_cache.js';
import { readImage } from '../images/image_files.js';
import type { drawnPng } from '../images/overlay_png.js';
import type { Done } from './thread_pool.js';

// Each task loads what it alone needs, so that a thread begins soon.
export const tasks = {
  /** Reads and decodes an image file. @throws InputError with what is wrong with it */
  async read(path: string, options: DecodeOptions): Promise<Done<Image>> {
    const image = await readImage(path, options);
    return { answer: image, transfer: memoryOf(image.data) };
  },

  /** Reads an image file, and resizes it to `size` × `size` pixels. @throws InputError with what is wrong with it */
  async resize(path: string, size: number, fit: Fit, options: DecodeOptions): Promise<Done<ResizedImage>> {
    const { examineImage } = await import('../../localizer/images/examine.js');
    const { networkImage } = await import('../../train/network_image.js');
    const decoded = examineImage(await readImage(path, options));
    const image = networkImage(decoded, size, fit);
    return { answer: { image, hash: pixelHash(image), warnings: decoded.warnings ?? [] }, transfer: memoryOf(image) };
  },

  /** Draws an overlay. The answer is a PNG. */
  async draw(...given: Parameters<typeof drawnPng>): Promise<Done<Uint8Array>> {
    const { drawnPng: draw } = await import('../images/overlay_png.js');
    const png = await draw(...given);
    return { answer: png, transfer: memoryOf(png) };
  },
};

/** The buffer of an array, to be handed over to another thread. If the array is only a part of its buffer, there is none, and it is copied. */
export const memoryOf = ({ buffer, byteLength }: Uint8Array | Uint16Array): ArrayBuffer[] =>
  buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
