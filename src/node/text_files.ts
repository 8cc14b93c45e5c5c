/**
 * Reads and writes files. Text is read in pieces and checked to be UTF-8. Files are written under a temporary name beside their final place
 * and then renamed, so that nobody finds a half-written file.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TextDecoder } from 'node:util';
import { InputError } from '../errors.js';
import { isRunning } from './runtime/processes.js';

const reasonOf = (error: unknown) => {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder',
    EACCES: 'reading it is not allowed',
  };
  return known[code ?? ''] ?? message;
};

/**
 * Reads a text file and calls `write` with each piece, so that even a large file takes little memory.
 *
 * @throws InputError if the file cannot be read or is not UTF-8; and whatever `write` throws.
 */
export async function readTextPieces(path: string, write: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let position = 0;
  const decode = (piece?: Uint8Array) => {
    try {
      return piece ? decoder.decode(piece, { stream: true }) : decoder.decode();
    } catch (cause) {
      const hint =
        position === 0 && (piece?.[0] === 0xff || piece?.[0] === 0xfe)
          ? 'It looks like UTF-16: save it as UTF-8.'
          : 'Save it as UTF-8.';
      throw new InputError(`${path} is not UTF-8`, { given: `an invalid byte after byte ${position}`, hint, cause });
    }
  };
  const stream = createReadStream(path, { highWaterMark: 1 << 18 });
  try {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      write(decode(piece));
      position += piece.length;
    }
    write(decode());
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new InputError(`${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Reads a whole text file.
 *
 * @throws InputError if it is longer than `maxBytes`, before anything is read; and as `readTextPieces`.
 */
export async function readText(path: string, maxBytes = 256 << 20): Promise<string> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > maxBytes) {
    throw new InputError(`${path} is too large`, { expected: `at most ${maxBytes} bytes`, given: `${size}` });
  }
  const pieces: string[] = [];
  await readTextPieces(path, (text) => {
    pieces.push(text);
  });
  return pieces.join('');
}

const WHY_NOT_WRITTEN: Record<string, string> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it grew larger than files may be here',
  EACCES: 'writing there is not allowed',
  EPERM: 'writing there is not allowed',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EEXIST: 'a part of its path is a file, not a folder',
  ENOENT: 'there is no such folder',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'the device failed',
};

/** An error that names the file that could not be written and says why. If `cause` is such an error already, it is returned. */
export function writeRefusal(path: string, cause: unknown, hint?: string): InputError {
  if (cause instanceof InputError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return new InputError(`${path} cannot be written: ${WHY_NOT_WRITTEN[code ?? ''] ?? message}`, { hint, cause });
}

/**
 * Makes a folder and its missing parents, one by one. Node's own recursive `mkdir` reports a wrong reason on a read-only file system, and
 * never returns in `/proc`.
 *
 * @param named what the message names, such as the file that has to be written there.
 * @throws InputError that says why it cannot be made.
 */
export async function makeFolder(path: string, named = path): Promise<void> {
  const missing: string[] = [];
  let at = resolve(path);
  let found = await stat(at).catch(() => undefined);
  while (!found && dirname(at) !== at) {
    missing.push(at);
    at = dirname(at);
    found = await stat(at).catch(() => undefined);
  }
  if (found && !found.isDirectory()) throw writeRefusal(named, { code: 'ENOTDIR' });
  for (const folder of missing.reverse()) {
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw writeRefusal(named, error);
    });
  }
}

/**
 * The names in a folder that is to be written; none if it does not exist yet.
 * @param named what the message names.
 * @throws InputError that says why nothing can be written there.
 */
export async function folderEntries(path: string, named = path): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const found = await stat(path).catch(() => undefined);
    if (found && !found.isDirectory()) {
      throw new InputError(`${named} is a file`, { expected: 'a folder that is new or empty', cause: error });
    }
    throw writeRefusal(named, error);
  }
}

/** Text is collected until it has this many characters, and then written. */
const GATHERED = 1 << 16;

/** A file that is written under a temporary name and renamed at the end. */
export interface GrowingFile {
  /** Adds content. Text is collected first, so that many short lines need few writes. */
  write(content: string | Uint8Array): Promise<void>;
  /** Puts the whole file in its place. */
  keep(): Promise<void>;
  /** Removes what has been written. */
  discard(): Promise<void>;
}

/**
 * Begins a file under a temporary name beside its final place.
 * @param own a part of the temporary name, needed if several threads of one process may write the same path at once.
 * @throws InputError naming the file if it cannot be written, here and in every later call. Nothing is left behind then.
 */
export async function openBeside(path: string, own = ''): Promise<GrowingFile> {
  const beside = `${path}${own}.${process.pid}.part`;
  const refuse = (cause: unknown): never => {
    throw writeRefusal(path, cause);
  };
  await makeFolder(dirname(path), path);
  const file = await open(beside, 'w').catch(refuse);
  let closed = false;
  const close = async () => {
    if (!closed) await file.close();
    closed = true;
  };
  const discard = async () => {
    await close().catch(() => {});
    await rm(beside, { force: true });
  };
  const attempt = async (step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      await discard();
      refuse(error);
    }
  };
  let text = '';
  const flush = async () => {
    const gathered = text;
    text = '';
    if (gathered !== '') await file.appendFile(gathered);
  };
  return {
    discard,
    write: (content) =>
      attempt(async () => {
        if (typeof content === 'string') text += content;
        if (text.length > GATHERED || typeof content !== 'string') await flush();
        if (typeof content !== 'string') await file.appendFile(content);
      }),
    keep: () =>
      attempt(async () => {
        await flush();
        await file.sync();
        await close();
        await rename(beside, path);
      }),
  };
}

/**
 * Writes a file so that readers see either the old file or the whole new one.
 * @throws InputError naming the file if it cannot be written. The old one then stays.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const file = await openBeside(path);
  await file.write(content);
  await file.keep();
}

/**
 * Removes temporary files of processes that were killed while writing. Those of running processes stay.
 * @param isOurs whether a file of this name in the folder is one that only this process may write now.
 * @param options.threads whether other threads of this process may be writing there.
 */
export async function sweepParts(
  folder: string,
  isOurs: (name: string) => boolean,
  { threads = false } = {},
): Promise<void> {
  for (const entry of await readdir(folder)) {
    const [, name, pid] = /^(.+)\.(\d+)\.part$/.exec(entry) ?? [];
    if (name === undefined || !isOurs(name)) continue;
    // This process has not begun to write yet. So without other threads, a file with its own number is from an earlier process that had the
    // same number.
    const isOver = Number(pid) === process.pid ? !threads : !isRunning(Number(pid));
    if (isOver) await rm(join(folder, entry), { force: true });
  }
}
