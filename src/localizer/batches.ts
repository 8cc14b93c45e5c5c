/** Reads and runs many images in batches. */
import { InputError } from '../errors.js';
import type { ImageInput } from './images/image_input.js';
import { toPixels } from './images/images.js';
import type { Localization } from './results.js';
import type { Batch } from './session/session.js';

/** Images in one run of the network, if the caller does not say how many. */
export const DEFAULT_BATCH = 4;

/** An image that has been read. */
export type Pixels = Awaited<ReturnType<typeof toPixels>>;

/** An image that could not be processed, with its position in the order in which images were given. */
export interface Failure {
  readonly index: number;
  readonly error: Error;
}

/** Images that were read together, and those between them that could not be read. */
interface ReadBatch extends Batch {
  readonly failures: readonly Failure[];
}

/** With `skipBad`, an image that cannot be processed is left out. Without it, the first such image ends the work with its error. */
type ReadOptions = Parameters<typeof toPixels>[1] & { skipBad: boolean };

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

/**
 * Reads images into batches of `size` images. Each batch is read when the caller asks for it, all its images at once. A batch also ends when
 * `size` images could not be read, so that the caller soon hears of the failures, and they take little memory. If the iterable itself fails, the
 * images that it gave before are a last, smaller batch.
 * @throws the error of an image that ends the work, or of the iterable
 */
export async function* readBatches(
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  size: number,
  options: ReadOptions,
): AsyncGenerator<ReadBatch, void, undefined> {
  const { skipBad, signal } = options;
  const emptyBatch = () => ({ images: [] as Pixels[], indexes: [] as number[], failures: [] as Failure[] });
  let batch = emptyBatch();
  let index = 0;
  /** Images that are being read, as many as the batch still has room for. */
  let reading: Promise<Pixels>[] = [];
  /** Waits for the images that are being read, and adds them to the batch. Returns the error of a bad image if that ends the work. */
  async function settle(): Promise<Error | undefined> {
    const reads = reading;
    reading = [];
    for (const read of reads) {
      try {
        batch.images.push(await read);
        batch.indexes.push(index);
      } catch (error) {
        if (signal?.aborted || !skipBad) return error as Error;
        batch.failures.push({ index, error: error as Error });
      }
      index++;
    }
    return undefined;
  }
  let ended: { error: unknown } | undefined;
  const taken = upToError(images, (error) => {
    ended = { error };
  });
  for await (const image of taken) {
    signal?.throwIfAborted();
    const read = toPixels(image, options);
    read.catch(() => {}); // it is awaited below, unless an earlier image ends the work
    reading.push(read);
    if (reading.length + batch.images.length < size) continue;
    const error = await settle();
    if (error) {
      // The images of this batch that were read before the bad one are still processed.
      if (batch.images.length > 0 && !signal?.aborted) yield batch;
      throw error;
    }
    if (batch.images.length === size || batch.failures.length >= size) {
      yield batch;
      batch = emptyBatch();
    }
  }
  const error = await settle();
  if (batch.images.length + batch.failures.length > 0 && !signal?.aborted) yield batch;
  if (error) throw error;
  if (ended) throw ended.error;
}

/** The images up to an error of their iterable, so that those that were taken before it can still be processed. */
async function* upToError(
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  onError: (error: unknown) => void,
): AsyncGenerator<ImageInput, void, undefined> {
  try {
    yield* images;
  } catch (error) {
    onError(error);
  }
}

/**
 * Runs a batch, and gives the result or failure of each of its images, in their order. With `skipBad`, the images of a batch that fails are
 * run one by one to find those that cause the error.
 */
export async function runBatch(
  { images, indexes, failures }: ReadBatch,
  run: (batch: Batch) => Promise<Localization[]>,
  skipBad: boolean,
): Promise<(Localization | Failure)[]> {
  const results = images.length > 0 ? await runOrSeparate({ images, indexes }, run, skipBad) : [];
  return [...results, ...failures].sort((a, b) => a.index - b.index);
}

async function runOrSeparate(
  batch: Batch,
  run: (batch: Batch) => Promise<Localization[]>,
  skipBad: boolean,
): Promise<(Localization | Failure)[]> {
  try {
    return await run(batch);
  } catch (error) {
    if (!skipBad || !(error instanceof InputError)) throw error;
    if (batch.images.length === 1) return [{ index: batch.indexes[0], error }];
  }
  const outcomes: (Localization | Failure)[] = [];
  for (const [place, image] of batch.images.entries()) {
    const alone = { images: [image], indexes: [batch.indexes[place]] };
    outcomes.push(...(await runOrSeparate(alone, run, skipBad)));
  }
  return outcomes;
}
