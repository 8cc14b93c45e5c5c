/**
 * Decoded and resized images in a folder, so that later epochs and runs need not decode the image files again. All images that were read in the
 * same way are records in one file, images-KIND (see `record_file.ts`). KIND is a hash of the size and of all options that change the pixels.
 * The key of an image is the length of its file, when that was changed, and its name without folders, so that the cache can be copied to
 * another machine together with the data set (keep the times of files: `cp -a`, `rsync -a`). Warnings are kept with it.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DecodeOptions } from '../../formats/images/pixels.js';
import type { Fit } from '../../ops/images/frame.js';
import type { Warning } from '../../warnings.js';
import { hashOf, openRecordFile } from './record_file.js';

/** How images are decoded and resized. */
export interface ImageKind {
  /** Side in pixels. */
  size: number;
  fit: Fit;
  decode: DecodeOptions;
}

/** An image as training uses it. */
export interface ResizedImage {
  /** `size` × `size` values from 0 to 65,535, and one more if their number is odd; see `networkImage`. */
  image: Uint16Array;
  /** See `pixelHash`. */
  hash: string;
  warnings: readonly Warning[];
}

export interface ImageCache {
  /** The image of a file. Undefined if it is not in the cache, or if the file has changed since, or if the cache is damaged there. */
  find(path: string): Promise<ResizedImage | undefined>;
  /** Adds the image of a file. If the disk is full, `problem` says so, and nothing is added from then on. */
  add(path: string, image: ResizedImage): Promise<void>;
  /** Why no more images are added. */
  readonly problem: string | undefined;
  close(): Promise<void>;
}

/** To be increased when images are decoded or resized in another way, so that older caches are not used. */
const VERSION = 1;

/**
 * Opens the cached images of one kind. Makes the folder if it does not exist. Only one process at a time can have them open.
 * @throws InputError if the folder cannot be written, or if another process has the images open
 */
export async function openImageCache(folder: string, kind: ImageKind): Promise<ImageCache> {
  const length = lengthOf(kind);
  const file = await openRecordFile(join(folder, `images-${nameOf(kind)}`), length * Uint16Array.BYTES_PER_ELEMENT);
  let problem: string | undefined;
  return {
    get problem() {
      return problem;
    },
    async find(path) {
      const key = await identify(path);
      const found = key === undefined ? undefined : await file.find(key);
      if (!found) return undefined;
      const image = new Uint16Array(found.bytes.buffer);
      return { image, hash: pixelHash(image), warnings: found.note as readonly Warning[] };
    },
    async add(path, { image, warnings }) {
      const key = await identify(path);
      if (key === undefined || problem !== undefined) return;
      const bytes = new Uint8Array(image.buffer, image.byteOffset, image.byteLength);
      await file.add(key, bytes, warnings).catch((error: Error) => {
        problem = `no more images are kept on disk: ${error.message}`;
      });
    },
    close: () => file.close(),
  };
}

/** Values of an image: one for each pixel, filled up to an even number as `networkImage` does. */
const lengthOf = ({ size }: ImageKind): number => 2 * Math.ceil((size * size) / 2);

/** The beginning of the SHA-256 of an image's pixels: 16 hexadecimal digits. */
export const pixelHash = (image: Uint16Array): string => hashOf(image);

const nameOf = ({ size, fit, decode }: ImageKind): string =>
  createHash('sha256')
    .update(JSON.stringify([VERSION, size, fit, decode.bits ?? null, decode.maxImageBytes ?? null]))
    .digest('hex')
    .slice(0, 12);

/** What identifies an image file and its content: length, time of change and name. Undefined if the name would break the lines of the index. */
async function identify(path: string): Promise<string | undefined> {
  const file = await stat(path).catch(() => undefined);
  const name = basename(path);
  return file === undefined || /[\t\n\r]/.test(name) ? undefined : `${file.size}\t${file.mtimeMs}\t${name}`;
}
