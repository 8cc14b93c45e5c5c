/**
 * Decoded and resized images in a folder, so that later epochs and runs need not decode the image files again. All images that were read in the
 * same way share two files:
 *
 *   images-KIND.bin   the pixels of one image after another, all of the same number of bytes
 *   images-KIND.tsv   a line for each image, in the same order: hash of the pixels, length of the image file, when it was changed, its name,
 *                     warnings as JSON
 *
 * KIND is a hash of the size and of all options that change the pixels. An image is found by the name of its file, without folders, so that the
 * cache can be copied to another machine together with the data set (keep the times of files: `cp -a`, `rsync -a`).
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DecodeOptions } from '../formats/images/pixels.js';
import type { Fit } from '../ops/images/frame.js';
import type { Warning } from '../warnings.js';
import { lockFile } from './lock.js';
import { readText, writeRefusal } from './text_files.js';

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

interface Entry {
  /** How many images are before it in the file of pixels. */
  place: number;
  hash: string;
  warnings: readonly Warning[];
}

interface Index {
  /** Images by what identifies their files; see `identify`. */
  entries: Map<string, Entry>;
  /** Number of lines, which is the place of the next image. */
  count: number;
  /** Length of these lines. */
  bytes: number;
}

/**
 * Opens the cached images of one kind. Makes the folder if it does not exist. Only one process at a time can have them open.
 * @throws InputError if the folder cannot be written, or if another process has the images open
 */
export async function openImageCache(folder: string, kind: ImageKind): Promise<ImageCache> {
  const name = join(folder, `images-${nameOf(kind)}`);
  const [pixelPath, indexPath] = [`${name}.bin`, `${name}.tsv`];
  const imageBytes = lengthOf(kind) * Uint16Array.BYTES_PER_ELEMENT;
  const lock = await lockFile(pixelPath);
  const files: FileHandle[] = [];
  const closeAll = async () => {
    for (const file of files.splice(0)) await file.close();
    await lock.release();
  };
  try {
    for (const path of [pixelPath, indexPath]) files.push(await openOrMake(path));
    const [pixelFile, indexFile] = files;
    const index = readIndex(await readText(indexPath), Math.floor((await pixelFile.stat()).size / imageBytes));
    await indexFile.truncate(index.bytes);
    return createCache(kind, index, { pixelFile, indexFile, pixelPath, closeAll });
  } catch (error) {
    await closeAll();
    throw writeRefusal(pixelPath, error);
  }
}

interface CacheFiles {
  pixelFile: FileHandle;
  indexFile: FileHandle;
  pixelPath: string;
  closeAll: () => Promise<void>;
}

function createCache(
  kind: ImageKind,
  index: Index,
  { pixelFile, indexFile, pixelPath, closeAll }: CacheFiles,
): ImageCache {
  let problem: string | undefined;
  let lastWrite: Promise<void> = Promise.resolve();

  async function write(key: string, { image, hash, warnings }: ResizedImage): Promise<void> {
    if (problem !== undefined) return;
    const line = Buffer.from(`${hash}\t${key}\t${JSON.stringify(warnings)}\n`);
    try {
      // The line comes last, so that there is no line without its pixels.
      await writeAll(pixelFile, bytesOf(image), index.count * image.byteLength);
      await writeAll(indexFile, line, index.bytes);
      index.entries.set(key, { place: index.count++, hash, warnings });
      index.bytes += line.length;
    } catch (error) {
      problem = `no more images are kept on disk: ${writeRefusal(pixelPath, error).message}`;
    }
  }

  return {
    get problem() {
      return problem;
    },
    async find(path) {
      const key = await identify(path);
      const entry = key === undefined ? undefined : index.entries.get(key);
      if (!entry) return undefined;
      const { place, hash, warnings } = entry;
      const image = new Uint16Array(lengthOf(kind));
      await pixelFile.read(bytesOf(image), 0, image.byteLength, place * image.byteLength);
      return pixelHash(image) === hash ? { image, hash, warnings } : undefined;
    },
    async add(path, image) {
      const key = await identify(path);
      if (key === undefined) return;
      lastWrite = lastWrite.then(() => write(key, image));
      await lastWrite;
    },
    async close() {
      await lastWrite;
      await closeAll();
    },
  };
}

/** Values of an image: one for each pixel, filled up to an even number as `networkImage` does. */
const lengthOf = ({ size }: ImageKind): number => 2 * Math.ceil((size * size) / 2);

/** The beginning of the SHA-256 of an image's pixels: 16 hexadecimal digits. */
export const pixelHash = (image: Uint16Array): string => createHash('sha256').update(image).digest('hex').slice(0, 16);

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

/** Opens a file for reading and writing at any position. Makes it if it does not exist. */
async function openOrMake(path: string): Promise<FileHandle> {
  await (await open(path, 'a')).close();
  return open(path, 'r+');
}

/**
 * Reads the lines of the index up to the first that is incomplete or damaged, which a killed process may have left.
 * @param most the number of images whose pixels are there
 */
function readIndex(text: string, most: number): Index {
  const entries = new Map<string, Entry>();
  let [count, bytes] = [0, 0];
  for (const [line, hash, key, warnings] of text.matchAll(/([0-9a-f]{16})\t(\d+\t[\d.]+\t[^\t\n]+)\t(\[.*\])\n/gy)) {
    if (count === most) break;
    try {
      entries.set(key, { place: count, hash, warnings: JSON.parse(warnings) });
    } catch {
      break;
    }
    count++;
    bytes += Buffer.byteLength(line);
  }
  return { entries, count, bytes };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint16Array) => new Uint8Array(buffer, byteOffset, byteLength);

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
