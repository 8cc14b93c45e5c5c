/** Text files: read in pieces, checked to be UTF-8; written beside their place and renamed, so never found half done. */
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TextDecoder } from 'node:util';
import { InputError } from '../errors.js';

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

/** Writes a file beside its place and renames it, so that readers see the old file or the whole new one. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.part`;
  try {
    const file = await open(beside, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
