/** Files: text read in pieces, checked to be UTF-8; files written beside their place and renamed, so never found half done. */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TextDecoder } from 'node:util';
import { InputError } from '../errors.js';
import { isRunning } from './processes.js';

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
 * Hands a file's text to `write` piece by piece; memory does not grow with the file.
 *
 * @throws InputError where the file cannot be read or is not UTF-8; whatever `write` throws ends the reading
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
 * A whole file as text.
 *
 * @throws InputError where it is longer than `maxBytes`, before anything is read; and as `readTextPieces`
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

/** Why a file could not be written, as a sentence that names it. What is such a sentence already stays as it is. */
export function writeRefusal(path: string, cause: unknown, hint?: string): InputError {
  if (cause instanceof InputError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return new InputError(`${path} cannot be written: ${WHY_NOT_WRITTEN[code ?? ''] ?? message}`, { hint, cause });
}

/**
 * Makes a folder, and those that it lies in, one by one: Node's own way gives a wrong reason on a read-only file system, and in `/proc`
 * never ends.
 *
 * @param named what the message names: the file that is to be written there, say
 * @throws InputError that says why it cannot be made
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

/** Characters that are gathered before they are written. */
const GATHERED = 1 << 16;

/** A file that grows beside its place and takes it at the end. */
export interface GrowingFile {
  /** Text is gathered, so that many short lines make few writes. */
  write(content: string | Uint8Array): Promise<void>;
  /** Puts the whole file in its place. */
  keep(): Promise<void>;
  /** Removes what has been written. */
  discard(): Promise<void>;
}

/**
 * @param own told apart in the name of the growing file, where several threads of one process may write the same path at once
 * @throws InputError naming the file, here and in every call, where it cannot be written; nothing stays behind then
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
 * Writes a file beside its place and renames it, so that readers see the old file or the whole new one.
 * @throws InputError naming the file where it cannot be written; the old one stays then
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const file = await openBeside(path);
  await file.write(content);
  await file.keep();
}

/**
 * Removes files that were growing beside their places when their processes were killed. Those of processes that run are left alone.
 * @param options.threads other threads of this process may be writing there
 * @param isOurs whether the file of this name in the folder is one that nobody else can be writing
 */
export async function sweepParts(
  folder: string,
  isOurs: (name: string) => boolean,
  { threads = false } = {},
): Promise<void> {
  for (const entry of await readdir(folder)) {
    const [, name, pid] = /^(.+)\.(\d+)\.part$/.exec(entry) ?? [];
    if (name === undefined || !isOurs(name)) continue;
    // Without threads, one with this process's own number is from an earlier process of that number: nothing is being written yet.
    const isOver = Number(pid) === process.pid ? !threads : !isRunning(Number(pid));
    if (isOver) await rm(join(folder, entry), { force: true });
  }
}
