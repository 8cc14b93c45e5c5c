/** Finds the image files that the arguments of a command name: files, folders with all that is in them, and patterns. */
import { statSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { InputError } from '../../errors.js';
import { IMAGE_ENDING, IMAGE_ENDINGS } from '../../formats/data_sets/image_list.js';
import { type DecodeOptions, decodeImage, type Image } from '../../formats/images/image.js';
import { glob } from '../vendor/tinyglobby.js';
import { MAX_IMAGE_BYTES } from './image_reading.js';

export interface ImageFile {
  path: string;
  /** The file's name, or its path if another file of the list has the same name. */
  name: string;
}

const PATTERN = /[*?[\]{}()!]/;
const MAX_BYTES = 512 << 20;

/**
 * Lists images in the order of the arguments, each only once. Those of a folder are sorted by path, so that the order does not depend on the
 * file system. In folders only names with the ending of an image count; a file that is named itself is taken with any ending.
 *
 * @param onProblem called for an argument that names nothing.
 */
export async function findImageFiles(
  args: readonly string[],
  onProblem: (path: string, message: string) => void,
): Promise<ImageFile[]> {
  // The key is the real path of the folder with the name of the file. So a linked folder does not add its images a second time, but a link
  // to an image counts as an image of its own.
  const paths = new Map<string, string>();
  for (const arg of args) {
    const found = await expand(arg).catch((error: NodeJS.ErrnoException) => {
      onProblem(arg, error instanceof InputError ? error.message : reasonOf(error));
      return [];
    });
    for (const path of found) {
      const real = join(await realpath(dirname(path)).catch(() => resolve(dirname(path))), basename(path));
      if (!paths.has(real)) paths.set(real, path);
    }
  }
  const names = new Map<string, number>();
  for (const path of paths.values()) names.set(basename(path), (names.get(basename(path)) ?? 0) + 1);
  return [...paths.values()].map((path) => {
    const name = basename(path);
    return { path, name: names.get(name) === 1 ? name : path };
  });
}

async function expand(arg: string): Promise<string[]> {
  const stats = await stat(arg).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats?.isDirectory()) {
    const found: string[] = [];
    await imagesIn(arg, new Set(), found);
    if (found.length === 0)
      throw new InputError('there is no image in this folder', {
        expected: `a file that ends in ${IMAGE_ENDINGS.join(', ')}`,
      });
    return found;
  }
  if (stats) return [arg];
  if (!PATTERN.test(arg)) throw new InputError('there is no such file');
  const pattern = process.platform === 'win32' ? arg.replaceAll('\\', '/') : arg;
  const found = await glob(pattern, { expandDirectories: false, absolute: isAbsolute(arg) });
  if (found.length === 0) throw new InputError('no file matches this pattern');
  return found.sort();
}

/** Adds the images in a folder to `found`. Symbolic links are followed, but no folder is entered twice. */
async function imagesIn(folder: string, visited: Set<string>, found: string[]): Promise<void> {
  const real = await realpath(folder);
  if (visited.has(real)) return;
  visited.add(real);
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  for (const name of names) {
    const path = join(folder, name);
    const stats = await stat(path).catch(() => undefined); // fails for a link to something that does not exist
    if (stats?.isDirectory()) await imagesIn(path, visited, found);
    else if (IMAGE_ENDING.test(name)) found.push(path);
  }
}

/** Names an image by its path if the existing results already have another image of the same name. */
export function besideKnown(files: readonly ImageFile[], known: readonly string[]): ImageFile[] {
  const paths = new Map<string, Set<string>>();
  for (const file of known) {
    const name = basename(file);
    paths.set(name, (paths.get(name) ?? new Set()).add(resolve(file)));
  }
  return files.map((file) => {
    const others = new Set(paths.get(basename(file.path)));
    others.delete(resolve(file.path));
    return others.size > 0 ? { ...file, name: file.path } : file;
  });
}

/** Images of existing results whose relative paths lead to no file from here, while another file of the same name has to be done. */
export function goneNamesakes(todo: readonly ImageFile[], known: readonly string[]): string[] {
  const names = new Set(todo.map(({ path }) => basename(path)));
  return known.filter((file) => names.has(basename(file)) && !isAbsolute(file) && !isFile(file));
}

/** The images that were changed after a time, in milliseconds since 1970. */
export const changedSince = (images: readonly ImageFile[], time: number): ImageFile[] =>
  images.filter(({ path }) => modifiedMs(path) > time);

/** When a file was changed last; 0 if there is none. */
export const modifiedMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

export const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  const known: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'reading it is not allowed' };
  return known[code ?? ''] ?? message;
}

/** Reads and decodes an image file. @throws InputError with what is wrong with it. */
export async function readImage(path: string, options: DecodeOptions = {}): Promise<Image> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new InputError('this is not a file');
    if (stats.size > MAX_BYTES) {
      throw new InputError('the file is too large', {
        expected: `at most ${MAX_BYTES >> 20} MiB`,
        given: `${Math.ceil(stats.size / 2 ** 20)} MiB`,
      });
    }
    return await decodeImage(await readFile(path), { maxImageBytes: MAX_IMAGE_BYTES, ...options });
  } catch (error) {
    if (error instanceof InputError || !(error instanceof Error && 'syscall' in error)) throw error;
    throw new InputError(reasonOf(error as NodeJS.ErrnoException), { cause: error });
  }
}
