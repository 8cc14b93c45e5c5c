/** Reads many images in batches. */
import { InputError } from '../errors.js';
import { type ImageInput, toPixels } from './images.js';
import type { Batch } from './session.js';

/** An image that has been read. */
export type Pixels = Awaited<ReturnType<typeof toPixels>>;

type ReadOptions = Parameters<typeof toPixels>[1] & {
  onError?: (error: Error, index: number) => void;
  signal?: AbortSignal;
};

/**
 * @throws InputError if `images` is not a list of images. Strings and byte arrays are iterable too, but a path or the bytes of a file are a
 *   single image.
 */
export function refuseSingleImage(images: unknown): void {
  const object = images !== null && typeof images === 'object' && !ArrayBuffer.isView(images);
  if (object && (Symbol.iterator in images || Symbol.asyncIterator in images)) return;
  throw new InputError('images', {
    expected: 'an array or another (async) iterable of images',
    given: typeof images === 'string' ? `'${images}'` : Object.prototype.toString.call(images),
    hint: 'localize() takes a single image',
  });
}

/** Reads images into batches of `batch` images. Each batch is read when the caller asks for it. */
export async function* readBatches(
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  batch: number,
  options: ReadOptions,
): AsyncGenerator<Batch, void, undefined> {
  const { onError, signal } = options;
  let pixels: Pixels[] = [];
  let indexes: number[] = [];
  let index = -1;
  for await (const image of images) {
    index++;
    signal?.throwIfAborted();
    try {
      pixels.push(await toPixels(image, options));
      indexes.push(index);
    } catch (error) {
      if (!onError || signal?.aborted) {
        // The images of this batch that were read before the bad one are still processed.
        if (pixels.length > 0 && !signal?.aborted) yield { images: pixels, indexes };
        throw error;
      }
      onError(error as Error, index);
    }
    if (pixels.length === batch) {
      yield { images: pixels, indexes };
      [pixels, indexes] = [[], []];
    }
  }
  if (pixels.length > 0) yield { images: pixels, indexes };
}
