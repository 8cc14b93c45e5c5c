/**
 * Reads the images of a data set for training. They are decoded in worker threads, kept in memory as far as they fit, and in a folder if
 * one is given.
 */
import { totalmem } from 'node:os';
import { InputError } from '../../errors.js';
import type { DecodeOptions } from '../../formats/images/pixels.js';
import type { Fit } from '../../ops/images/frame.js';
import { tallyWarnings } from '../images/image_reading.js';
import { openImageThreads } from '../threads/image_threads.js';
import { openImageCache, type ResizedImage } from './image_cache.js';

export interface ImageStoreOptions {
  /** Side in pixels to which images are resized. */
  size: number;
  fit: Fit;
  /** How files are decoded. */
  decode?: DecodeOptions;
  /** Number of worker threads. Default: one for each processor, at most 8. */
  threads?: number;
  /** The most bytes of decoded images to keep. Default: a quarter of the machine's memory. */
  cacheBytes?: number;
  /** A folder that keeps decoded images for later epochs and runs; see `image_cache.ts`. */
  imageCache?: string | undefined;
}

export interface ImageStore {
  /** @throws InputError naming the file that cannot be read. */
  read(path: string): Promise<Uint16Array>;
  /** A hash of the pixels of an image when it was last read: 16 hexadecimal digits. Undefined if it has not been read yet. */
  hashOf(path: string): string | undefined;
  /** Bytes of images in memory. */
  readonly cachedBytes: number;
  /** Whether an image could not be kept because there was no room. */
  readonly full: boolean;
  /** The warnings of all images read so far, a line for each kind. */
  warnings(): string[];
  close(): Promise<void>;
}

/** @throws InputError if the folder of the image cache cannot be used */
export async function openImageStore(options: ImageStoreOptions): Promise<ImageStore> {
  const { size, fit, decode = {}, threads, cacheBytes = totalmem() / 4 } = options;
  const kept =
    options.imageCache === undefined ? undefined : await openImageCache(options.imageCache, { size, fit, decode });
  const workers = openImageThreads(threads);
  const cache = new Map<string, Uint16Array>();
  const hashes = new Map<string, string>();
  let cachedBytes = 0;
  let full = false;
  const tally = tallyWarnings();
  const tallied = new Set<string>();

  /** The images that are read first are kept for good. Each epoch reads all images, so replacing old ones would make more of them miss. */
  function keep(path: string, image: Uint16Array): void {
    if (cachedBytes + image.byteLength > cacheBytes) full = true;
    else if (!cache.has(path)) {
      cache.set(path, image);
      cachedBytes += image.byteLength;
    }
  }

  async function decodeFile(path: string): Promise<ResizedImage> {
    const decoded = await workers.run('resize', [path, size, fit, decode]).catch((error) => {
      throw error instanceof InputError ? new InputError(`${path}: ${error.message}`, { cause: error }) : error;
    });
    await kept?.add(path, decoded);
    return decoded;
  }

  return {
    hashOf: (path) => hashes.get(path),
    get cachedBytes() {
      return cachedBytes;
    },
    get full() {
      return full;
    },
    warnings: () => [...tally.lines(), ...(kept?.problem === undefined ? [] : [kept.problem])],
    async read(path) {
      const known = cache.get(path);
      if (known) return known;
      const { image, hash, warnings } = (await kept?.find(path)) ?? (await decodeFile(path));
      if (warnings.length > 0 && !tallied.has(path)) {
        tallied.add(path);
        tally.add(path, warnings);
      }
      hashes.set(path, hash);
      keep(path, image);
      return image;
    },
    async close() {
      await workers.close();
      await kept?.close();
      cache.clear();
    },
  };
}
